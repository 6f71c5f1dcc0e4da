#include "events/deferred_sink.h"

#include <doctest/doctest.h>

#include <string>

using sandbox_run::events::DeferredSink;
using sandbox_run::events::Event;
using sandbox_run::events::EventSink;
using sandbox_run::events::Severity;

namespace {

struct Names : EventSink {
  void record(const Event& event) override { text += event.type + " "; }
  std::string text;
};

}  // namespace

TEST_CASE("events of severity info wait until they are asked for, once") {
  Names names;
  DeferredSink sink(names);
  int asked = 0;
  sink.defer([&] { ++asked; });
  sink.record(Event{"a"});
  sink.record(Event{"b"});
  CHECK(names.text == "");
  CHECK(asked == 1);
  sink.flush();
  CHECK(names.text == "a b ");
  sink.record(Event{"c"});
  CHECK(asked == 2);
}

TEST_CASE("an alert passes at once, after what waited") {
  Names names;
  DeferredSink sink(names);
  sink.defer([] {});
  sink.record(Event{"a"});
  sink.record(Event{"alert", Severity::alert});
  CHECK(names.text == "a alert ");
}

TEST_CASE("what waits is bounded, and passed on at the end") {
  Names names;
  {
    DeferredSink sink(names);
    sink.defer([] {});
    for (std::size_t i = 0; i < DeferredSink::kMostWaiting; ++i) sink.record(Event{"x"});
    CHECK(names.text.size() == 2 * DeferredSink::kMostWaiting);
    sink.record(Event{"last"});
  }
  CHECK(names.text.ends_with(" last "));
}

TEST_CASE("while nobody flushes, nothing waits") {
  Names names;
  DeferredSink sink(names);
  sink.record(Event{"a"});
  CHECK(names.text == "a ");
}
