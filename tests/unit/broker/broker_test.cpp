// Flows over real sockets on loopback: the broker listens on 127.0.0.2, a "localhost" rule leads
// from there to a server on 127.0.0.1 and the same port.
#include "broker/broker.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <future>
#include <optional>

#include "base/sys_error.h"
#include "broker/event_loop_impl.h"
#include "broker/flow.h"
#include "support.h"

namespace sandbox_run::broker {
namespace {

using test::connect_tcp;
using test::MemorySink;
using test::number_of;
using test::receive_error;
using test::second_loopback;
using test::Server;
using test::text_of;

std::vector<ListeningSocket> one(ListeningSocket socket) {
  std::vector<ListeningSocket> sockets;
  sockets.push_back(std::move(socket));
  return sockets;
}

std::string greeting(int number) { return "flow " + std::to_string(10000 + number); }

/// A broker in front of `port` of 127.0.0.1.
struct Fixture {
  explicit Fixture(std::uint16_t server_port, const Limits& limits = {})
      : inside{second_loopback(), server_port} {
    broker.emplace(loop, policy::NetworkPolicy{{test::rule("localhost", {server_port})}},
                   one(test::loopback_listener(server_port)), sink, test::nobody(), limits);
  }
  void run_beside(std::function<void()> work) { test::run_beside(loop, std::move(work)); }

  Endpoint inside;
  EventLoop loop;
  MemorySink sink;
  std::optional<Broker> broker;
};

}  // namespace

TEST_CASE("bytes go both ways, and a half-close is passed on") {
  std::promise<std::string> request;
  const Server server([&](base::UniqueFd socket) {
    request.set_value(test::receive_to_end(socket.get()));
    test::send_all(socket.get(), "response");
  });
  Fixture fixture(server.port());
  std::string response;
  fixture.run_beside([&] {
    const auto client = connect_tcp(fixture.inside);
    test::send_all(client.get(), "request");
    ::shutdown(client.get(), SHUT_WR);
    response = test::receive_to_end(client.get());
  });
  fixture.sink.run_until(fixture.loop, "flow.closed");
  CHECK(request.get_future().get() == "request");
  CHECK(response == "response");

  const auto opened = fixture.sink.of_type("flow.opened");
  REQUIRE(opened.size() == 1);
  CHECK(text_of(opened[0], "host") == "localhost");
  CHECK(text_of(opened[0], "address") == "127.0.0.1");
  CHECK(number_of(opened[0], "port") == server.port());
  const auto closed = fixture.sink.of_type("flow.closed");
  CHECK(number_of(closed[0], "bytes_up") == 7);
  CHECK(number_of(closed[0], "bytes_down") == 8);
  CHECK(number_of(closed[0], "duration_ms") >= 0);
  CHECK(text_of(closed[0], "reason") == "finished");
  const NetworkTotals totals = fixture.broker->totals();
  CHECK(totals.hosts_contacted == std::vector<std::string>{"localhost"});
  CHECK(totals.flows == 1);
  CHECK(totals.bytes_up == 7);
  CHECK(totals.bytes_down == 8);
}

TEST_CASE("a half-close of the server's leaves the other direction open") {
  std::promise<std::string> late;
  const Server server([&](base::UniqueFd socket) {
    test::send_all(socket.get(), "hello");
    ::shutdown(socket.get(), SHUT_WR);
    late.set_value(test::receive_to_end(socket.get()));
  });
  Fixture fixture(server.port());
  fixture.run_beside([&] {
    auto client = connect_tcp(fixture.inside);
    CHECK(test::receive_to_end(client.get()) == "hello");
    test::send_all(client.get(), "still here");
    client.reset();
    CHECK(late.get_future().get() == "still here");
  });
}

TEST_CASE("a destination without a rule is reset at once, and is an event once") {
  const Server server(test::echo);
  EventLoop loop;
  MemorySink sink;
  Broker broker(loop, {{test::rule("localhost", {1})}}, one(test::loopback_listener(server.port())),
                sink, test::nobody());
  std::vector<int> errors;
  test::run_beside(loop, [&] {
    for (int i = 0; i < 3; ++i) {
      errors.push_back(receive_error(connect_tcp({second_loopback(), server.port()}).get()));
    }
  });
  CHECK(errors == std::vector<int>(3, ECONNRESET));
  const auto denied = sink.of_type("flow.denied");
  REQUIRE(denied.size() == 1);
  CHECK(denied[0].severity == events::Severity::notice);
  CHECK(text_of(denied[0], "destination") == "127.0.0.2");
  CHECK(number_of(denied[0], "port") == server.port());
  CHECK(text_of(denied[0], "reason") == "no rule allows this port of the host's loopback");
  CHECK(broker.totals().hosts_denied == std::vector<DeniedHost>{{"127.0.0.2", {}}});
  CHECK(broker.totals().flows_denied == 3);
  CHECK(broker.totals().flows == 0);
}

TEST_CASE("a scan of many addresses makes a bounded number of events") {
  auto listening = test::listen_on({Address::ipv4(0, 0, 0, 0), 0});
  const std::uint16_t port = test::port_of(listening.get());
  EventLoop loop;
  MemorySink sink;
  Broker broker(loop, {{test::rule("registry.example.com", {443})}},
                one({std::move(listening), ListeningSocket::Kind::tcp, false, port}), sink,
                test::nobody(), {.distinct_events = 3});
  test::run_beside(loop, [&] {
    for (std::uint8_t last = 2; last < 20; ++last) {
      receive_error(connect_tcp({Address::ipv4(127, 0, 0, last), port}).get());
    }
  });
  CHECK(sink.count("flow.denied") == 3);
  CHECK(sink.count("limit.reached") == 1);
  CHECK(broker.totals().flows_denied == 18);
  CHECK(broker.totals().hosts_denied.size() == 3);
}

TEST_CASE("an upstream that refuses is a reset and an event in words") {
  std::uint16_t port = 0;
  {
    const auto free = test::listen_on({Address::ipv4_loopback(), 0});
    port = test::port_of(free.get());
  }
  Fixture fixture(port);
  int error = 0;
  fixture.run_beside([&] { error = receive_error(connect_tcp(fixture.inside).get()); });
  CHECK(error == ECONNRESET);
  const auto failed = fixture.sink.of_type("flow.failed");
  REQUIRE(failed.size() == 1);
  CHECK(text_of(failed[0], "host") == "localhost");
  CHECK(text_of(failed[0], "reason").find("Connection refused") != std::string::npos);
  CHECK(fixture.sink.count("flow.closed") == 0);
  CHECK(fixture.broker->totals().flows_failed == 1);
}

TEST_CASE("64 MiB arrive as they were sent, both ways at once") {
  const Server server(test::echo);
  Fixture fixture(server.port());
  const std::string sent = test::noise(64U << 20U, 1);
  std::string received;
  fixture.run_beside([&] {
    const auto client = connect_tcp(fixture.inside);
    std::thread sender([&] {
      test::send_all(client.get(), sent);
      ::shutdown(client.get(), SHUT_WR);
    });
    received = test::receive_to_end(client.get());
    sender.join();
  });
  CHECK(received.size() == sent.size());
  CHECK((received == sent));
  fixture.sink.run_until(fixture.loop, "flow.closed");
  CHECK(fixture.broker->totals().bytes_up == sent.size());
  CHECK(fixture.broker->totals().bytes_down == sent.size());
}

TEST_CASE("500 flows at once each keep their own bytes") {
  const Server server(test::echo);
  Fixture fixture(server.port());
  std::size_t right = 0;
  fixture.run_beside([&] {
    std::vector<base::UniqueFd> clients;
    for (int i = 0; i < 500; ++i) clients.push_back(connect_tcp(fixture.inside));
    for (int i = 0; i < 500; ++i) {
      test::send_all(clients[static_cast<std::size_t>(i)].get(), greeting(i));
    }
    for (int i = 0; i < 500; ++i) {
      const std::string wanted = greeting(i);
      const int client = clients[static_cast<std::size_t>(i)].get();
      if (test::receive_exactly(client, wanted.size()) == wanted) ++right;
    }
  });
  CHECK(right == 500);
  fixture.sink.run_until(fixture.loop, "flow.closed", 500);
  CHECK(fixture.broker->totals().flows == 500);
}

TEST_CASE("10,000 flows one after the other leave nothing behind") {
  const Server server([](base::UniqueFd socket) { test::send_all(socket.get(), "x"); });
  Fixture fixture(server.port());
  std::size_t right = 0;
  fixture.run_beside([&] {
    for (int i = 0; i < 10'000; ++i) {
      if (test::receive_to_end(connect_tcp(fixture.inside).get()) == "x") ++right;
    }
  });
  CHECK(right == 10'000);
  fixture.sink.run_until(fixture.loop, "flow.closed", 10'000);
  CHECK(fixture.broker->totals().flows == 10'000);
  CHECK(fixture.sink.count("limit.reached") == 0);
}

TEST_CASE("a reader that does not read holds up nobody else, and loses nothing") {
  const std::string content = test::noise(32U << 20U, 2);
  const Server server([&](base::UniqueFd socket) {
    if (test::receive_exactly(socket.get(), 1) == "b") return test::echo(std::move(socket));
    test::send_all(socket.get(), content);
  });
  Fixture fixture(server.port());
  std::string late;
  fixture.run_beside([&] {
    const auto slow = connect_tcp(fixture.inside);
    test::send_all(slow.get(), "a");
    for (int i = 0; i < 20; ++i) {
      const auto quick = connect_tcp(fixture.inside);
      test::send_all(quick.get(), "bping");
      test::receive_exactly(quick.get(), 4);
    }
    late = test::receive_to_end(slow.get());
  });
  CHECK((late == content));
}

TEST_CASE("a reset by the client reaches the server as a reset") {
  std::promise<int> server_saw;
  const Server server([&](base::UniqueFd socket) {
    test::receive_exactly(socket.get(), 1);
    test::send_all(socket.get(), "x");
    server_saw.set_value(receive_error(socket.get()));
  });
  Fixture fixture(server.port());
  fixture.run_beside([&] {
    auto client = connect_tcp(fixture.inside);
    test::send_all(client.get(), "x");
    test::receive_exactly(client.get(), 1);
    test::close_with_reset(std::move(client));
    CHECK(server_saw.get_future().get() == ECONNRESET);
  });
  fixture.sink.run_until(fixture.loop, "flow.closed");
  CHECK(text_of(fixture.sink.of_type("flow.closed")[0], "reason") == "reset by the client");
}

TEST_CASE("a reset by the server reaches the client as a reset") {
  const Server server([&](base::UniqueFd socket) {
    test::receive_exactly(socket.get(), 1);
    test::close_with_reset(std::move(socket));
  });
  Fixture fixture(server.port());
  int error = 0;
  fixture.run_beside([&] {
    const auto client = connect_tcp(fixture.inside);
    test::send_all(client.get(), "x");
    error = receive_error(client.get());
  });
  CHECK(error == ECONNRESET);
  fixture.sink.run_until(fixture.loop, "flow.closed");
  CHECK(text_of(fixture.sink.of_type("flow.closed")[0], "reason") == "reset by the host");
}

TEST_CASE("an idle flow is reset") {
  const Server server(test::echo);
  Fixture fixture(server.port(), {.flow_idle = std::chrono::milliseconds(40)});
  int error = 0;
  fixture.run_beside([&] { error = receive_error(connect_tcp(fixture.inside).get()); });
  CHECK(error == ECONNRESET);
  const auto closed = fixture.sink.of_type("flow.closed");
  REQUIRE(closed.size() == 1);
  CHECK(text_of(closed[0], "reason") == "idle");
}

TEST_CASE("flows beyond the limit are reset; one event says so") {
  const Server server(test::echo);
  Fixture fixture(server.port(), {.flows = 2});
  std::vector<int> errors;
  fixture.run_beside([&] {
    std::vector<base::UniqueFd> held;
    for (int i = 0; i < 2; ++i) {
      held.push_back(connect_tcp(fixture.inside));
      test::send_all(held.back().get(), "x");
      test::receive_exactly(held.back().get(), 1);
    }
    for (int i = 0; i < 2; ++i) {
      try {
        errors.push_back(receive_error(connect_tcp(fixture.inside).get()));
      } catch (const base::SysError& error) {  // the reset was there before connect(2) returned
        errors.push_back(error.error_number());
      }
    }
  });
  CHECK(errors == std::vector<int>(2, ECONNRESET));
  const auto reached = fixture.sink.of_type("limit.reached");
  REQUIRE(reached.size() == 1);
  CHECK(text_of(reached[0], "limit") == "flows at once");
}

TEST_CASE("shut_down() ends and records open flows, and nothing is recorded afterwards") {
  const Server server(test::echo);
  Fixture fixture(server.port());
  base::UniqueFd client;
  fixture.run_beside([&] {
    client = connect_tcp(fixture.inside);
    test::send_all(client.get(), "abc");
    test::receive_exactly(client.get(), 3);
  });
  CHECK(fixture.broker->totals().bytes_up == 3);  // of flows still open
  fixture.broker->shut_down();
  const auto closed = fixture.sink.of_type("flow.closed");
  REQUIRE(closed.size() == 1);
  CHECK(text_of(closed[0], "reason") == "the sandbox has ended");
  CHECK(fixture.broker->totals().bytes_down == 3);
  CHECK(receive_error(client.get()) == ECONNRESET);
  fixture.broker->shut_down();
  fixture.broker.reset();
  fixture.loop.after(std::chrono::milliseconds(0), [&] { fixture.loop.stop(); });
  fixture.loop.run();
  CHECK(fixture.sink.count("flow.closed") == 1);
}

TEST_CASE("broker and loop can end with flows open and connections waiting") {
  const Server server(test::echo);
  Fixture fixture(server.port());
  base::UniqueFd client;
  fixture.run_beside([&] {
    client = connect_tcp(fixture.inside);
    test::send_all(client.get(), "x");
    test::receive_exactly(client.get(), 1);
  });
  const auto waiting = connect_tcp(fixture.inside);
  CHECK(waiting);
}

TEST_CASE("a name that cannot be resolved is a failed flow, not an open one") {
  // Through the flow's own parts: an address of the name table is not routable here.
  auto listening = test::listen_on({Address::ipv4_loopback(), 0});
  const std::uint16_t port = test::port_of(listening.get());
  EventLoop loop;
  MemorySink sink;
  const auto services = std::make_shared<Services>(
      policy::NetworkPolicy{{test::rule("name.invalid", {port})}}, sink, test::nobody(), Limits{});
  const Endpoint asked{services->names.address_of("name.invalid").value(), port};
  auto decision = admit(services->policy, services->names, asked, {});
  REQUIRE(std::holds_alternative<Admission>(decision));
  auto client = connect_tcp({Address::ipv4_loopback(), port});
  base::UniqueFd accepted(::accept4(listening.get(), nullptr, nullptr, SOCK_NONBLOCK));
  REQUIRE(accepted);
  const auto flow =
      std::make_shared<Flow>(loop.impl().io.get_executor(), services, std::move(accepted),
                             std::get<Admission>(decision), asked);
  flow->start([&] { loop.stop(); });
  loop.run();
  CHECK(receive_error(client.get()) == ECONNRESET);
  const auto failed = sink.of_type("flow.failed");
  REQUIRE(failed.size() == 1);
  CHECK(text_of(failed[0], "reason").starts_with("looking up name.invalid: "));
}

}  // namespace sandbox_run::broker
