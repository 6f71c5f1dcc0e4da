#pragma once

#include <string>

#include "base/json.h"
#include "events/sinks/log_socket.h"
#include "events/sinks/transport.h"

namespace sandbox_run::events {

/// Who sends, as RFC 5424 wants it.
struct SyslogOrigin {
  std::string host = "-";
  int pid = 0;  // of the supervisor
};

/// One event as an RFC 5424 message: facility user, severity 6, 5 or 1; the event's type as MSGID;
/// run, number, severity and actor as structured data; the event's own line as the text. Longer
/// than 8 KiB (what daemons take by default), the line loses its details. Pure.
std::string syslog_message(const base::json::object& event, const std::string& line,
                           const SyslogOrigin& origin);

/// One event as syslog(3) has it on the machine's own socket: "<PRI>Mmm dd hh:mm:ss
/// sandbox-run[PID]: LINE", with the same severity and length. That is what daemons read there:
/// rsyslog, for one, takes RFC 5424 on a unix socket for a message of a program called "1" unless
/// it is told otherwise. Pure but for the time zone.
std::string local_syslog_message(const base::json::object& event, const std::string& line,
                                 const SyslogOrigin& origin);

/// One event in journald's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): the words as
/// MESSAGE, the members as fields, the line itself as SANDBOX_RUN_EVENT. Pure.
std::string journal_message(const base::json::object& event, const std::string& line);

/// syslog: as syslog(3) over a unix datagram socket; RFC 5424 over UDP (RFC 5426), or over TCP with
/// the length before each message (RFC 6587).
class SyslogTransport : public Transport {
 public:
  enum class Format { syslog, journald };
  SyslogTransport(Format format, const std::string& where, SyslogOrigin origin);
  Delivery deliver(std::span<const std::string> lines, Deadline deadline) override;

 private:
  std::string message_for(const std::string& line) const;

  Format format_;
  LogSocket socket_;
  SyslogOrigin origin_;
};

}  // namespace sandbox_run::events
