#include "events/sinks/otlp.h"

#include <array>
#include <charconv>
#include <ctime>

#include "base/format.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "events/words.h"

namespace sandbox_run::events {
namespace {

namespace json = base::json;

constexpr std::string_view kScope = "sandbox-run";
constexpr std::string_view kDefaultEndpoint = "http://localhost:4318";
constexpr std::string_view kLogsPath = "/v1/logs";
constexpr int kMaxValueDepth = 8;

/// SeverityNumber of the log data model: INFO, INFO2 (syslog's notice), ERROR3 (syslog's alert).
int severity_number(std::string_view severity) {
  if (severity == name_of(Severity::alert)) return 19;
  return severity == name_of(Severity::notice) ? 10 : 9;
}

/// AnyValue. 64-bit numbers are strings in protobuf's JSON.
json::object any_value(const json::value& value, int depth = 0) {
  if (depth > kMaxValueDepth) return {{"stringValue", "…"}};
  if (value.is_string()) return {{"stringValue", value.get_string()}};
  if (value.is_bool()) return {{"boolValue", value.get_bool()}};
  if (value.is_double()) return {{"doubleValue", value.get_double()}};
  if (value.is_int64()) return {{"intValue", std::to_string(value.get_int64())}};
  if (value.is_uint64()) return {{"intValue", std::to_string(value.get_uint64())}};
  if (const json::array* list = value.if_array()) {
    json::array values;
    for (const json::value& element : *list) values.push_back(any_value(element, depth + 1));
    return {{"arrayValue", json::object{{"values", std::move(values)}}}};
  }
  if (const json::object* object = value.if_object()) {
    json::array pairs;
    for (const auto& [key, member] : *object) {
      pairs.push_back(json::object{{"key", key}, {"value", any_value(member, depth + 1)}});
    }
    return {{"kvlistValue", json::object{{"values", std::move(pairs)}}}};
  }
  return {{"stringValue", "null"}};
}

void add_attribute(json::array& attributes, std::string_view key, const json::value& value) {
  attributes.push_back(json::object{{"key", json::string_view(key.data(), key.size())},
                                    {"value", any_value(value)}});
}

void add_member(json::array& attributes, const json::object& object, std::string_view member,
                std::string_view key) {
  const json::value* value = base::find_member(object, member);
  if (value != nullptr) add_attribute(attributes, key, *value);
}

/// Names of the semantic conventions where there are any.
json::array attributes_of(const json::object& event) {
  json::array attributes;
  add_member(attributes, event, "type", "event.name");
  for (const char* key : {"run", "seq", "prev_sha256", "severity", "act_to_record_us"}) {
    add_member(attributes, event, key, base::format("sandbox_run.{}", key));
  }
  if (const json::object* actor = object_member(event, "actor")) {
    for (const auto& [key, value] : *actor) {
      add_attribute(attributes, base::format("sandbox_run.actor.{}", std::string_view(key)), value);
    }
  }
  if (const json::object* process = object_member(event, "process")) {
    add_member(attributes, *process, "pid", "process.pid");
    add_member(attributes, *process, "exe", "process.executable.path");
    add_member(attributes, *process, "argv", "process.command_args");
    add_member(attributes, *process, "cwd", "process.working_directory");
  }
  if (const json::object* details = object_member(event, "details")) {
    for (const auto& [key, value] : *details) {
      add_attribute(attributes, base::format("sandbox_run.{}.{}", "details", std::string_view(key)),
                    value);
    }
  }
  return attributes;
}

/// "2024-05-01T12:00:00.000001Z" → nanoseconds since 1970, as the log writes its times.
std::int64_t nanoseconds(const std::string& time) {
  std::tm utc{};
  const char* rest = ::strptime(time.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
  if (rest == nullptr) return 0;
  std::int64_t micros = 0;
  if (*rest == '.') std::from_chars(rest + 1, time.c_str() + time.size(), micros);
  return (static_cast<std::int64_t>(::timegm(&utc)) * 1'000'000 + micros) * 1000;
}

json::object log_record(const json::object& event) {
  const std::int64_t time = nanoseconds(text_member(event, "time"));
  const auto micros =
      static_cast<std::int64_t>(base::number_member(event, "act_to_record_us").value_or(0));
  const std::string severity = text_member(event, "severity");
  return {{"timeUnixNano", std::to_string(time)},
          {"observedTimeUnixNano", std::to_string(time + micros * 1000)},
          {"severityNumber", severity_number(severity)},
          {"severityText", severity},
          {"eventName", text_member(event, "type")},
          {"body", json::object{{"stringValue", who_did_it(event) + ": " + what_happened(event)}}},
          {"attributes", attributes_of(event)}};
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(&text[i + 1], &text[i + 1] + 2, byte, 16).ptr == &text[i + 1] + 2) {
      decoded += static_cast<char>(byte);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

/// "key1=value1,key2=value2", values percent-encoded (W3C baggage).
std::vector<std::pair<std::string, std::string>> pairs_of(std::string_view text,
                                                          const char* variable) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& part : base::split(text, ',')) {
    const std::string_view pair = base::trim(part);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const std::string key(base::trim(pair.substr(0, equals)));
    const std::string value = equals == std::string_view::npos
                                  ? ""
                                  : percent_decoded(base::trim(pair.substr(equals + 1)));
    if (equals == std::string_view::npos || key.empty() ||
        value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      throw base::UserError(std::string(variable) + ": write KEY=VALUE, more of them after a ','");
    }
    pairs.emplace_back(key, value);
  }
  return pairs;
}

/// The variable for logs, else that for all signals.
std::optional<std::string> either(const Environment& environment, const std::string& what) {
  auto value = environment(("OTEL_EXPORTER_OTLP_LOGS_" + what).c_str());
  if (!value || value->empty()) value = environment(("OTEL_EXPORTER_OTLP_" + what).c_str());
  return value && value->empty() ? std::nullopt : value;
}

std::string with_logs_path(std::string endpoint) {
  while (endpoint.ends_with('/')) endpoint.pop_back();
  return endpoint.ends_with(kLogsPath) ? endpoint : endpoint + std::string(kLogsPath);
}

std::string url_of(const std::string& where, const Environment& environment) {
  if (!where.empty()) return with_logs_path(where);
  if (auto url = environment("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"); url && !url->empty()) return *url;
  if (auto url = environment("OTEL_EXPORTER_OTLP_ENDPOINT"); url && !url->empty()) {
    return with_logs_path(*url);
  }
  return with_logs_path(std::string(kDefaultEndpoint));
}

}  // namespace

OtlpSettings otlp_settings(const std::string& where, const Environment& environment) {
  OtlpSettings settings;
  settings.url = url_of(where, environment);
  if (!settings.url.starts_with("http://") && !settings.url.starts_with("https://")) {
    throw base::UserError("the OTLP endpoint " + base::printable(settings.url) +
                          " is no URL: write http://HOST:4318 or https://…");
  }
  const std::string protocol = either(environment, "PROTOCOL").value_or("http/json");
  if (!protocol.starts_with("http/")) {
    throw base::UserError("OTEL_EXPORTER_OTLP_PROTOCOL is " + base::printable(protocol) +
                          ", and events are sent as http/json: name the collector's HTTP endpoint "
                          "(port 4318) by --events otlp:URL, and set it to http/json");
  }
  if (const auto text = either(environment, "HEADERS")) {
    settings.headers = pairs_of(*text, "OTEL_EXPORTER_OTLP_HEADERS");
  }
  settings.ca_file = either(environment, "CERTIFICATE").value_or("");
  settings.resource = {{"service.name", std::string(kScope)},
                       {"service.version", SANDBOX_RUN_VERSION}};
  if (const auto text = environment("OTEL_RESOURCE_ATTRIBUTES")) {
    for (auto& [key, value] : pairs_of(*text, "OTEL_RESOURCE_ATTRIBUTES")) {
      settings.resource[key] = value;
    }
  }
  if (const auto name = environment("OTEL_SERVICE_NAME"); name && !name->empty()) {
    settings.resource["service.name"] = *name;
  }
  return settings;
}

std::string otlp_request(std::span<const std::string> lines, const OtlpSettings& settings) {
  json::array records;
  for (const std::string& line : lines) {
    const auto event = base::parse_json(line);
    if (event && event->is_object()) records.push_back(log_record(event->get_object()));
  }
  json::array resource;
  for (const auto& [key, value] : settings.resource) {
    add_attribute(resource, base::printable(key), json::value(base::printable(value)));
  }
  const json::object scope{{"name", json::string_view(kScope.data(), kScope.size())},
                           {"version", SANDBOX_RUN_VERSION}};
  return base::to_json(json::object{
      {"resourceLogs",
       json::array{json::object{
           {"resource", json::object{{"attributes", std::move(resource)}}},
           {"scopeLogs",
            json::array{json::object{{"scope", scope}, {"logRecords", std::move(records)}}}}}}}});
}

std::size_t rejected_records(std::string_view answer) {
  const auto value = base::parse_json(answer);
  if (!value || !value->is_object()) return 0;
  const json::object* partial = object_member(value->get_object(), "partialSuccess");
  const json::value* count =
      partial == nullptr ? nullptr : partial->if_contains("rejectedLogRecords");
  if (count == nullptr) return 0;
  if (count->is_int64() && count->get_int64() > 0) {
    return static_cast<std::size_t>(count->get_int64());
  }
  std::size_t number = 0;  // an int64 is a string in protobuf's JSON
  if (const json::string* text = count->if_string()) {
    std::from_chars(text->data(), text->data() + text->size(), number);
  }
  return number;
}

}  // namespace sandbox_run::events
