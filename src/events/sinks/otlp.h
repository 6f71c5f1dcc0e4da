#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

// OTLP/HTTP with JSON, logs (opentelemetry.io/docs/specs/otlp, and "OpenTelemetry Protocol
// Exporter" for the variables): what is sent, and where to. Pure.

namespace sandbox_run::events {

/// The value of a variable of the environment; nullopt if it is not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;

struct OtlpSettings {
  std::string url;  // what is POSTed to
  std::vector<std::pair<std::string, std::string>> headers;
  std::string ca_file;  // OTEL_EXPORTER_OTLP_(LOGS_)CERTIFICATE; "": the system's
  std::map<std::string, std::string> resource;  // service.name, …
};

/// `where`: the endpoint as typed after "otlp:", "" for that of the environment:
/// OTEL_EXPORTER_OTLP_LOGS_ENDPOINT as it is, else OTEL_EXPORTER_OTLP_ENDPOINT and /v1/logs, else
/// http://localhost:4318/v1/logs. Throws UserError for a URL or a protocol that can't be served.
OtlpSettings otlp_settings(const std::string& where, const Environment& environment);

/// One ExportLogsServiceRequest with a log record for each line. A line that is no event is left
/// out.
std::string otlp_request(std::span<const std::string> lines, const OtlpSettings& settings);

/// partialSuccess.rejectedLogRecords of an answer; 0 if there is none.
std::size_t rejected_records(std::string_view answer);

}  // namespace sandbox_run::events
