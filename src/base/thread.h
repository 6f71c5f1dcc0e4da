#pragma once

#include <functional>
#include <thread>

namespace sandbox_run::base {

/// A thread that gets no signal: they are the calling thread's. Throws std::system_error if no
/// process is left to this user.
std::jthread start_thread(std::function<void()> work);

}  // namespace sandbox_run::base
