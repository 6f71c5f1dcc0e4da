#pragma once

#include "events/sinks/http_post.h"
#include "events/sinks/otlp.h"
#include "events/sinks/transport.h"

namespace sandbox_run::events {

/// Batches of log records to an OpenTelemetry collector.
class OtlpTransport : public Transport {
 public:
  explicit OtlpTransport(OtlpSettings settings);
  Delivery deliver(std::span<const std::string> lines, Deadline deadline) override;
  std::size_t batch() const override { return 512; }
  std::chrono::milliseconds linger() const override { return std::chrono::milliseconds(500); }

 private:
  OtlpSettings settings_;
  HttpPost http_;
};

/// What an answer means for `count` records. Pure. See "OTLP/HTTP Response" in the specification:
/// 429, 502, 503 and 504 ask to try again, other refusals are final.
Delivery judge_answer(const HttpPost::Answer& answer, std::size_t count);

}  // namespace sandbox_run::events
