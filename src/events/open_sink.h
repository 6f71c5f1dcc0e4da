#pragma once

#include <memory>

#include "events/sink.h"
#include "events/sink_address.h"
#include "events/sinks/otlp.h"

namespace sandbox_run::events {

/// Opens a place that events go to; for those outside this machine's files, starts their sender, so
/// the calling process must have one thread. `environment`: the OTEL_… variables. Throws UserError
/// for a file that can't be written and for settings that make no sense; a receiver that is not
/// there is no error, but told at the end (Sink::failure()).
std::unique_ptr<Sink> open_sink(const SinkAddress& address, const Environment& environment);

}  // namespace sandbox_run::events
