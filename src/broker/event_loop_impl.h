#pragma once

#include "broker/asio.h"
#include "broker/event_loop.h"

namespace sandbox_run::broker {

struct EventLoop::Impl {
  // One thread ever touches it.
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
};

}  // namespace sandbox_run::broker
