#include "events/event_sink.h"

namespace sandbox_run::events {

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::notice:
      return "notice";
    case Severity::alert:
      return "alert";
  }
  return "info";
}

}  // namespace sandbox_run::events
