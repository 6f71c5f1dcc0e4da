// Pinning over real sockets: the upstream sees what was judged, and nothing of what was refused.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <cerrno>
#include <future>
#include <optional>

#include "broker/broker.h"
#include "support.h"
#include "tls_support.h"

namespace sandbox_run::broker {
namespace {

using test::connect_tcp;
using test::receive_error;
using test::second_loopback;
using test::Server;
using test::text_of;

std::string get(const std::string& host, const std::string& more = "") {
  return "GET / HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n";
}

std::string text_from(const test::Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

/// A broker that holds connections to the server's port to "localhost".
struct Fixture {
  explicit Fixture(Server::Handler handler, const Limits& limits = {})
      : server(std::move(handler)), inside{second_loopback(), server.port()} {
    std::vector<ListeningSocket> sockets;
    sockets.push_back(test::loopback_listener(server.port()));
    policy::NetworkPolicy policy;
    policy.allow = {test::pinned_rule("localhost", {server.port()})};
    broker.emplace(loop, std::move(policy), std::move(sockets), sink, test::nobody(), limits);
  }
  void run_beside(std::function<void()> work) { test::run_beside(loop, std::move(work)); }
  std::string reason() const {
    const auto denied = sink.of_type("flow.denied");
    return denied.size() == 1 ? text_of(denied[0], "reason") : "not one denial";
  }

  Server server;
  Endpoint inside;
  EventLoop loop;
  test::MemorySink sink;
  std::optional<Broker> broker;
};

}  // namespace

TEST_CASE("requests that come byte by byte arrive unaltered") {
  const std::string sent = get("localhost") + get("127.0.0.1", "Content-Length: 4\r\n") + "body";
  std::promise<std::string> received;
  Fixture fixture([&](base::UniqueFd socket) {
    received.set_value(test::receive_exactly(socket.get(), sent.size()));
    test::send_all(socket.get(), "answer");
  });
  std::string answer;
  fixture.run_beside([&] {
    const auto client = connect_tcp(fixture.inside);
    // So many pieces as one head may come in, at least.
    for (std::size_t at = 0; at < sent.size(); ++at)
      test::send_all(client.get(), sent.substr(at, 1));
    answer = test::receive_to_end(client.get());
  });
  CHECK(received.get_future().get() == sent);
  CHECK(answer == "answer");
}

TEST_CASE("a refused first request opens no connection") {
  bool contacted = false;
  Fixture fixture([&](base::UniqueFd) { contacted = true; });
  std::vector<int> errors;
  fixture.run_beside([&] {
    for (const std::string& bytes :
         {get("evil.example.net"), text_from(test::client_hello("evil.example.net"))}) {
      const auto client = connect_tcp(fixture.inside);
      test::send_all(client.get(), bytes);
      errors.push_back(receive_error(client.get()));
    }
  });
  CHECK(errors == std::vector<int>(2, ECONNRESET));
  CHECK(!contacted);
  const auto denied = fixture.sink.of_type("flow.denied");
  REQUIRE(denied.size() == 2);
  for (const events::Event& event : denied) {
    CHECK(text_of(event, "name") == "localhost");
    CHECK(text_of(event, "claimed") == "evil.example.net");
  }
  CHECK(fixture.broker->totals().hosts_denied == std::vector<DeniedHost>{{"evil.example.net", {}}});
  CHECK(fixture.sink.count("flow.opened") == 0);
}

TEST_CASE("a refused later request ends the connection, and does not arrive") {
  std::promise<std::string> received;
  Fixture fixture([&](base::UniqueFd socket) {
    std::string bytes = test::receive_exactly(socket.get(), get("localhost").size());
    test::send_all(socket.get(), "1");
    CHECK(receive_error(socket.get()) == ECONNRESET);
    received.set_value(bytes);
  });
  int error = 0;
  fixture.run_beside([&] {
    const auto client = connect_tcp(fixture.inside);
    test::send_all(client.get(), get("localhost"));
    test::receive_exactly(client.get(), 1);
    test::send_all(client.get(), get("evil.example.net"));
    error = receive_error(client.get());
  });
  CHECK(error == ECONNRESET);
  CHECK(received.get_future().get() == get("localhost"));
  CHECK(fixture.reason() == "its HTTP request names another host than the one looked up");
  CHECK(text_of(fixture.sink.of_type("flow.closed")[0], "reason") == "refused");
}

TEST_CASE("TLS in pieces arrives, and what follows its hello only after the answer") {
  const std::string hello = text_from(test::in_records(
      test::client_hello_message({test::server_name("localhost"), test::padding(3000)}), 500));
  const std::string answer = text_from(test::server_answer(test::Answer::server_hello));
  std::promise<std::string> received;
  Fixture fixture([&](base::UniqueFd socket) {
    CHECK(test::receive_exactly(socket.get(), hello.size()) == hello);
    char byte = 0;
    CHECK(::recv(socket.get(), &byte, 1, MSG_DONTWAIT) == -1);  // the client has sent more
    test::send_all(socket.get(), answer);
    received.set_value(test::receive_exactly(socket.get(), 5));
    test::send_all(socket.get(), "done");
  });
  std::string back;
  fixture.run_beside([&] {
    const auto client = connect_tcp(fixture.inside);
    test::send_all(client.get(), hello.substr(0, 3));
    test::send_all(client.get(), hello.substr(3, 1200));
    test::send_all(client.get(), hello.substr(1203) + "early");
    back = test::receive_to_end(client.get());
  });
  CHECK(received.get_future().get() == "early");
  CHECK(back == answer + "done");
}

TEST_CASE("a second ClientHello for another host does not arrive") {
  const std::string hello = text_from(test::client_hello("localhost"));
  Fixture fixture([&](base::UniqueFd socket) {
    test::receive_exactly(socket.get(), hello.size());
    test::send_all(socket.get(), text_from(test::server_answer(test::Answer::retry_request)));
    CHECK(receive_error(socket.get()) == ECONNRESET);
  });
  fixture.run_beside([&] {
    const auto client = connect_tcp(fixture.inside);
    test::send_all(client.get(), hello + text_from(test::client_hello("evil.example.net")));
    test::receive_exactly(client.get(), 49);  // the server's answer
    CHECK(receive_error(client.get()) == ECONNRESET);
  });
  fixture.sink.run_until(fixture.loop, "flow.closed");
  CHECK(fixture.reason() == "its TLS names another host than the one looked up");
}

TEST_CASE("a head cut short, another protocol and a silent client are refused with the reason") {
  const auto reason_for = [](const std::string& bytes) {
    Fixture fixture(test::echo, {.first_bytes = std::chrono::milliseconds(40)});
    fixture.run_beside([&] {
      const auto client = connect_tcp(fixture.inside);
      test::send_all(client.get(), bytes);
      if (bytes.starts_with("GET")) ::shutdown(client.get(), SHUT_WR);
      CHECK(receive_error(client.get()) == ECONNRESET);
    });
    return fixture.reason();
  };
  CHECK(reason_for("GET / HTTP/1.1\r\nHost: loc") == "its last HTTP request is cut short");
  CHECK(reason_for("SSH-2.0-x\r\n") == "its HTTP is refused: it is no HTTP/1 request");
  CHECK(reason_for("").starts_with("it did not say for which host it is"));
}

TEST_CASE("a client that closes at once is no denial and no failure") {
  Fixture fixture(test::echo);
  connect_tcp(fixture.inside).reset();
  fixture.sink.run_until(fixture.loop, "flow.unused");
  CHECK(fixture.sink.count("flow.denied") == 0);
  CHECK(fixture.sink.count("flow.failed") == 0);
}

TEST_CASE("an urgent byte does not hide the rest of a request") {
  std::string arrived;
  Fixture fixture([&](base::UniqueFd socket) { arrived = test::receive_to_end(socket.get()); },
                  {.flow_idle = std::chrono::milliseconds(100)});
  fixture.run_beside([&] {
    const auto client = connect_tcp(fixture.inside);
    test::send_all(client.get(), "GET / HTTP/1.1\r\nHost: localhos");
    CHECK(::send(client.get(), "x", 1, MSG_OOB) == 1);
    test::send_all(client.get(), "t\r\n\r\n");
    CHECK(receive_error(client.get()) == ECONNRESET);
  });
  CHECK(arrived.empty());
  CHECK(fixture.sink.count("flow.opened") == 0);
}

}  // namespace sandbox_run::broker
