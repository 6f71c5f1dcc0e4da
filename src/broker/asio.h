#pragma once

// Boost.Asio, for this folder's .cpp files and private headers only. Its own sources are compiled
// once, in asio.cpp: meson.build says so for every file alike, for a file that saw an Asio header
// before would get a second copy of Asio's state, and lose signals. Asio's resolver is not used:
// see resolver.h.

#ifndef BOOST_ASIO_SEPARATE_COMPILATION
#error "to be compiled with -DBOOST_ASIO_SEPARATE_COMPILATION"
#endif

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "base/unique_fd.h"

namespace sandbox_run::broker {

namespace asio = boost::asio;

/// A socket or pipe that the loop watches; closes it. Sockets are made, accepted and connected by
/// the system calls themselves, not by Asio, which knows no SOCK_CLOEXEC.
using Descriptor = asio::posix::stream_descriptor;

/// Throws boost::system::system_error (the kernel watches no more); `fd` is closed then.
inline Descriptor watch(const asio::any_io_executor& executor, base::UniqueFd fd) {
  Descriptor descriptor(executor, fd.get());
  (void)fd.release();
  return descriptor;
}

/// co_await gives a tuple that starts with the error code: a peer's error is not an exception.
inline constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

/// For co_spawn: what a coroutine of ours throws is a fault of ours, and leaves EventLoop::run().
inline constexpr auto kRethrow = [](const std::exception_ptr& exception) {
  if (exception) std::rethrow_exception(exception);
};

}  // namespace sandbox_run::broker
