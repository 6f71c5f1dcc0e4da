// libFuzzer: any bytes as what an upstream proxy answers, in pieces of the size that the first byte
// says: what comes of it must not depend on that.
#include <algorithm>
#include <array>

#include "broker/proxy_dialogue.h"
#include "fuzz.h"

namespace {

using namespace sandbox_run;
using broker::ProxyDialogue;
using fuzz::require;
using policy::Proxy;

struct Outcome {
  ProxyDialogue::State state = ProxyDialogue::State::asking;
  std::size_t consumed = 0;
  std::string reason;
};

Outcome hear(const Proxy& proxy, std::string_view bytes, std::size_t piece) {
  ProxyDialogue dialogue(proxy, "a.example.com", 443);
  Outcome outcome;
  std::size_t there = 0;
  while (outcome.state == ProxyDialogue::State::asking) {
    (void)dialogue.take_outgoing();
    if (there > outcome.consumed) {
      const ProxyDialogue::Step step =
          dialogue.hear(bytes.substr(outcome.consumed, there - outcome.consumed));
      require(step.consumed <= there - outcome.consumed);
      require((step.state == ProxyDialogue::State::refused) == !step.reason.empty());
      require(!fuzz::has_control(step.reason));
      outcome = {step.state, outcome.consumed + step.consumed, step.reason};
      if (step.consumed > 0) continue;
    }
    if (there == bytes.size()) break;
    there = std::min(there + piece, bytes.size());
  }
  return outcome;
}

}  // namespace

FUZZ_TARGET(proxy_answer, data, size) {
  constexpr std::size_t kLongest = 20'000;
  if (size < 2 || size > kLongest) return 0;
  static const std::array kProxies{
      Proxy{Proxy::Scheme::http, "proxy.example.com", 3128, "", ""},
      Proxy{Proxy::Scheme::socks5h, "proxy.example.com", 1080, "", ""},
      Proxy{Proxy::Scheme::socks5h, "proxy.example.com", 1080, "me", "pw"}};
  const std::string_view bytes = fuzz::text_of(data + 1, size - 1);
  for (const Proxy& proxy : kProxies) {
    const Outcome whole = hear(proxy, bytes, bytes.size());
    const Outcome pieces = hear(proxy, bytes, data[0] % 64 + 1U);
    require(whole.state == pieces.state);
    // The first byte behind the answer is the host's.
    if (whole.state == ProxyDialogue::State::open) require(whole.consumed == pieces.consumed);
  }
  return 0;
}
