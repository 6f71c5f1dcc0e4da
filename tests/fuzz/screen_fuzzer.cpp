// libFuzzer: a connection held to a name. The first byte says how it is cut in pieces; what passes
// must not depend on that. For HTTP, the server's answer is of no matter; for TLS, it comes at
// once.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "broker/screen.h"
#include "fuzz.h"

namespace {

using namespace sandbox_run::broker;
using sandbox_run::fuzz::require;
using Bytes = std::span<const std::uint8_t>;

struct Screened {
  bool refused = false;
  std::size_t passed = 0;
};

Pin the_pin() {
  static const sandbox_run::policy::EgressRule rule{
      sandbox_run::policy::HostPattern::parse("a.example.com"), {443}};
  return Pin(Admission{&rule, "a.example.com", "", {}}, {Address::ipv4(198, 18, 0, 1), 443});
}

/// An answer that asks for no second hello.
void answer(Screen& screen) {
  static const std::vector<std::uint8_t> alert{21, 3, 3, 0, 2, 2, 40};
  const Verdict verdict = screen.look(Direction::down, alert, Screen::Input::open);
  require(verdict.kind == Verdict::Kind::pass);
}

/// Looks as a relay does, `piece` bytes more each time.
Screened run(Bytes bytes, std::size_t piece) {
  const auto screen = make_screen(the_pin());
  Screened outcome;
  std::size_t there = 0;
  while (outcome.passed < bytes.size()) {
    if (there <= outcome.passed) there = outcome.passed + 1;
    const bool all = there >= bytes.size();
    there = std::min(there, bytes.size());
    const Verdict verdict =
        screen->look(Direction::up, bytes.subspan(outcome.passed, there - outcome.passed),
                     all ? Screen::Input::ended : Screen::Input::open);
    switch (verdict.kind) {
      case Verdict::Kind::pass:
        require(verdict.bytes > 0);
        outcome.passed += std::min<std::uint64_t>(verdict.bytes, bytes.size() - outcome.passed);
        break;
      case Verdict::Kind::more:
        require(!all && verdict.bytes > there - outcome.passed);
        there += piece;
        break;
      case Verdict::Kind::hold:
        answer(*screen);
        break;
      case Verdict::Kind::refuse:
        require(!verdict.objection.reason.empty());
        outcome.refused = true;
        return outcome;
    }
  }
  return outcome;
}

}  // namespace

FUZZ_TARGET(screen, data, size) {
  if (size < 2 || size > 4096) return 0;
  const Bytes bytes(data + 1, size - 1);
  const Screened whole = run(bytes, bytes.size());
  const Screened pieces = run(bytes, data[0] % 64 + 1U);
  require(whole.refused == pieces.refused);
  // In pieces, what comes before the refused part may have gone on already.
  if (!whole.refused) require(whole.passed == pieces.passed);
  return 0;
}
