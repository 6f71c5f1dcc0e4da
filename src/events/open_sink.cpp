#include "events/open_sink.h"

#include <unistd.h>

#include <array>

#include "events/sinks/file_sink.h"
#include "events/sinks/otlp_transport.h"
#include "events/sinks/sender.h"
#include "events/sinks/syslog.h"
#include "events/sinks/words_sink.h"

namespace sandbox_run::events {
namespace {

SyslogOrigin this_process() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return {name.data(), ::getpid()};
}

std::unique_ptr<Sink> open_syslog(const SinkAddress& address, SyslogTransport::Format format) {
  const SyslogOrigin origin = this_process();  // in the sender's process it would be another pid
  return std::make_unique<SenderSink>(
      address.text,
      [=] { return std::make_unique<SyslogTransport>(format, address.where, origin); },
      address.least);
}

std::unique_ptr<Sink> open_otlp(const SinkAddress& address, const Environment& environment) {
  const OtlpSettings settings = otlp_settings(address.where, environment);
  return std::make_unique<SenderSink>(
      address.text, [&] { return std::make_unique<OtlpTransport>(settings); }, address.least);
}

}  // namespace

std::unique_ptr<Sink> open_sink(const SinkAddress& address, const Environment& environment) {
  switch (address.kind) {
    case SinkAddress::Kind::file: {
      base::UniqueFd file = open_event_file(address.where);
      const FileState state = end_of_log(file.get(), "").state;
      return std::make_unique<FileSink>(std::move(file), state);
    }
    case SinkAddress::Kind::words:
      return std::make_unique<WordsSink>(open_event_file(address.where), address.least);
    case SinkAddress::Kind::syslog:
      return open_syslog(address, SyslogTransport::Format::syslog);
    case SinkAddress::Kind::journald:
      return open_syslog(address, SyslogTransport::Format::journald);
    case SinkAddress::Kind::otlp:
      return open_otlp(address, environment);
  }
  return nullptr;
}

}  // namespace sandbox_run::events
