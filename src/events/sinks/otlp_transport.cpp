#include "events/sinks/otlp_transport.h"

#include <algorithm>

#include "base/format.h"

namespace sandbox_run::events {

OtlpTransport::OtlpTransport(OtlpSettings settings)
    : settings_(std::move(settings)), http_(settings_.url, settings_.headers, settings_.ca_file) {}

Delivery OtlpTransport::deliver(std::span<const std::string> lines, Deadline deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  return judge_answer(http_.post(otlp_request(lines, settings_), left), lines.size());
}

Delivery judge_answer(const HttpPost::Answer& answer, std::size_t count) {
  Delivery delivery;
  delivery.error = answer.error;
  delivery.timed_out = answer.timed_out;
  if (answer.status >= 200 && answer.status < 300) {
    delivery.rejected = std::min(count, rejected_records(answer.body));
    delivery.sent = count - delivery.rejected;
    if (delivery.rejected > 0) delivery.error = "the collector rejected some";
    return delivery;
  }
  if (answer.status != 0) delivery.error = base::format("the collector answered {}", answer.status);
  if (answer.status == 0 || answer.status == 429 ||
      (answer.status >= 502 && answer.status <= 504)) {
    delivery.outcome = Delivery::Outcome::try_later;
  } else {
    delivery.rejected = count;
  }
  return delivery;
}

}  // namespace sandbox_run::events
