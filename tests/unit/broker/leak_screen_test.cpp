#include "broker/leak_screen.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

namespace sandbox_run::broker {
namespace {

constexpr const char* kValue = "Xq7!decoy-value";

/// Knows one value, plain.
struct Finder : policy::LeakFinder {
  std::optional<policy::Leak> find(std::string_view bytes) const override {
    if (bytes.find(kValue) == std::string_view::npos) return std::nullopt;
    return policy::Leak{"the decoy", "plain"};
  }
};

/// Passes a fixed number of bytes at a time, and refuses what begins with '!'.
class Portions : public Screen {
 public:
  explicit Portions(std::uint64_t portion) : portion_(portion) {}
  bool watches(Direction) const override { return true; }
  Verdict look(Direction, std::span<const std::uint8_t> pending, Input) override {
    if (pending.empty()) return Verdict::pass(Verdict::kAll);
    return pending.front() == '!' ? Verdict::refuse({"", "inner"}) : Verdict::pass(portion_);
  }

 private:
  std::uint64_t portion_;
};

/// What becomes of a connection whose client sends `pieces`, each when the one before has gone on.
struct Connection {
  explicit Connection(std::unique_ptr<Screen> inner)
      : screen(std::move(inner), finder, [this](const policy::Leak&) { ++leaks; }) {}

  /// False: it was refused.
  bool send(const std::string& piece) {
    std::string pending = piece;
    while (!pending.empty()) {
      if (allowed == 0) {
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(pending.data());
        Verdict verdict = screen.look(Direction::up, {bytes, pending.size()}, Screen::Input::open);
        ++looks;
        refusal = verdict.objection;
        if (verdict.kind != Verdict::Kind::pass) return false;
        allowed = verdict.bytes;
      }
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(allowed, pending.size()));
      gone += pending.substr(0, count);
      pending.erase(0, count);
      if (allowed != Verdict::kAll) allowed -= count;
    }
    return true;
  }

  Finder finder;
  int leaks = 0;
  int looks = 0;
  LeakScreen screen;
  std::uint64_t allowed = 0;
  Objection refusal;
  std::string gone;
};

std::unique_ptr<Screen> portions(std::uint64_t portion) {
  return std::make_unique<Portions>(portion);
}

TEST_CASE("a value in the first bytes ends the connection, and none of them goes on") {
  for (auto* inner : {+[] { return std::unique_ptr<Screen>(); }, +[] { return portions(500); }}) {
    Connection connection(inner());
    CHECK_FALSE(connection.send(std::string("GET /?") + kValue));
    CHECK(connection.leaks == 1);
    CHECK(connection.gone == "");
    CHECK(connection.refusal.about == Objection::About::content);
  }
}

TEST_CASE("a body that the inner screen passed unseen is looked at before it goes on") {
  Connection connection(portions(500));
  CHECK(connection.send("POST / HTTP/1.1\r\n\r\n"));
  CHECK(connection.gone == "POST / HTTP/1.1\r\n\r\n");
  CHECK_FALSE(connection.send(std::string("body=") + kValue));
  CHECK(connection.gone == "POST / HTTP/1.1\r\n\r\n");
}

TEST_CASE("a value that comes in two pieces is found in the second") {
  const std::string value = kValue;
  for (std::size_t cut = 1; cut < value.size(); ++cut) {
    CAPTURE(cut);
    Connection connection({});
    CHECK(connection.send("x" + value.substr(0, cut)));
    CHECK_FALSE(connection.send(value.substr(cut) + "y"));
  }
}

TEST_CASE("what the inner screen refuses is refused, at its turn and not before") {
  Connection connection(portions(3));
  CHECK(connection.send("abcd"));
  CHECK(connection.send("ef"));
  CHECK_FALSE(connection.send("!"));
  CHECK(connection.refusal.reason == "inner");
  CHECK(connection.gone == "abcdef");
  Connection other(portions(3));
  CHECK(other.send("ab!d"));
}

TEST_CASE("behind the first bytes all passes as the inner screen says") {
  const std::string first(LeakScreen::kFirstBytes, 'x');
  Connection alone({});
  CHECK(alone.send(first));
  CHECK(alone.send(kValue));
  CHECK(alone.looks == 1);
  Connection inside(portions(LeakScreen::kFirstBytes + 100));
  CHECK(inside.send(first + std::string(99, 'x')));
  CHECK(inside.send("x"));
  CHECK_FALSE(inside.send("!"));
  CHECK(inside.leaks == 0);
}

TEST_CASE("of TLS only what is not encrypted is looked at") {
  Connection connection({});
  CHECK(connection.send("\x16hello"));
  CHECK(connection.send(kValue));
  CHECK(connection.looks == 1);
  Connection other({});
  CHECK_FALSE(other.send(std::string("\x16hello") + kValue));
}

TEST_CASE("the end of what comes in, and the other direction, pass") {
  Connection connection({});
  const Verdict end = connection.screen.look(Direction::up, {}, Screen::Input::ended);
  CHECK(end.kind == Verdict::Kind::pass);
  CHECK(end.bytes == Verdict::kAll);
  CHECK_FALSE(connection.screen.watches(Direction::down));
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(kValue);
  const Verdict down =
      connection.screen.look(Direction::down, {bytes, std::strlen(kValue)}, Screen::Input::open);
  CHECK(down.kind == Verdict::Kind::pass);
  CHECK(connection.leaks == 0);
}

}  // namespace
}  // namespace sandbox_run::broker
