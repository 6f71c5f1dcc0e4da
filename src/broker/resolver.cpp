#include "broker/resolver.h"

#include <netdb.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <utility>

#include "base/scope_exit.h"
#include "base/thread.h"
#include "base/unique_fd.h"
#include "broker/limits.h"

namespace sandbox_run::broker {
namespace {

using Clock = std::chrono::steady_clock;

/// Shared by the thread and whoever waits for it, so that neither outlives it.
struct Lookup {
  std::string name;
  base::UniqueFd done_write;  // closed by the thread when `result` is there
  Resolution result;
  std::atomic<bool> done = false;
};

Resolution ask_host(const std::string& name) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  Resolution result;
  const int error = ::getaddrinfo(name.c_str(), nullptr, &hints, &list);
  if (error != 0) {
    result.error = error == EAI_SYSTEM ? std::generic_category().message(errno)
                                       : std::string(::gai_strerror(error));
    return result;
  }
  const base::ScopeExit free_list([&] { ::freeaddrinfo(list); });
  for (const addrinfo* item = list; item != nullptr; item = item->ai_next) {
    if (result.addresses.size() >= kMaxUpstreamAddresses) break;
    sockaddr_storage storage{};
    std::memcpy(&storage, item->ai_addr, std::min<std::size_t>(item->ai_addrlen, sizeof storage));
    const auto endpoint = from_sockaddr(storage);
    if (!endpoint) continue;
    if (std::find(result.addresses.begin(), result.addresses.end(), endpoint->address) ==
        result.addresses.end()) {
      result.addresses.push_back(endpoint->address);
    }
  }
  if (result.addresses.empty()) result.error = "the name has no address";
  return result;
}

void start_lookup(const std::shared_ptr<Lookup>& lookup) {
  base::start_thread([lookup] {
    lookup->result = ask_host(lookup->name);
    lookup->done.store(true, std::memory_order_release);
    lookup->done_write.reset();
  }).detach();
}

asio::awaitable<Resolution> run_lookup(std::string name) {
  const auto executor = co_await asio::this_coro::executor;
  auto lookup = std::make_shared<Lookup>();
  lookup->name = std::move(name);
  std::string error;
  try {
    base::Pipe pipe = base::make_pipe();
    Descriptor done = watch(executor, std::move(pipe.read_end));
    lookup->done_write = std::move(pipe.write_end);
    start_lookup(lookup);
    co_await done.async_wait(Descriptor::wait_read, kAwait);
    if (lookup->done.load(std::memory_order_acquire)) co_return std::move(lookup->result);
    error = "the lookup was given up";
  } catch (const std::exception& failure) {  // no descriptor or no thread to be had
    error = failure.what();
  }
  co_return Resolution{{}, error};
}

}  // namespace

struct Resolver::Entry {
  explicit Entry(const asio::any_io_executor& executor) : finished(executor) {}
  bool pending = true;
  Resolution result;
  Clock::time_point expires;
  asio::steady_timer finished;  // never expires: cancelled when the result is there
};

void Resolver::forget_expired() {
  const auto now = Clock::now();
  std::erase_if(entries_, [&](const auto& item) {
    return !item.second->pending && item.second->expires <= now;
  });
}

asio::awaitable<Resolution> Resolver::resolve(std::string name) {
  forget_expired();
  const auto found = entries_.find(name);
  if (found != entries_.end()) {
    const std::shared_ptr<Entry> entry = found->second;
    if (entry->pending) co_await entry->finished.async_wait(kAwait);
    co_return entry->result;
  }
  if (running_ >= max_lookups_) co_return Resolution{{}, "too many names looked up at once"};

  const auto executor = co_await asio::this_coro::executor;
  const auto entry = std::make_shared<Entry>(executor);
  entry->finished.expires_at(Clock::time_point::max());
  entry->result.error = "the lookup was given up";
  entries_.emplace(name, entry);
  ++running_;
  entry->result = co_await run_lookup(name);
  --running_;
  entry->pending = false;
  entry->expires = entry->result.error.empty() ? Clock::now() + kResolutionLifetime : Clock::now();
  entry->finished.cancel();
  co_return entry->result;
}

}  // namespace sandbox_run::broker
