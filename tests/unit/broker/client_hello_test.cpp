#include "broker/client_hello.h"

#include <doctest/doctest.h>

#include <string>

#include "broker/server_answer.h"
#include "tls_support.h"

namespace sandbox_run::broker {
namespace {

using State = ClientHello::State;
using test::Bytes;
using test::client_hello_message;
using test::in_records;
using test::server_name;

ClientHello read(const std::vector<test::TlsExtension>& extensions) {
  return parse_client_hello(in_records(client_hello_message(extensions)));
}

}  // namespace

TEST_CASE("the server name of a ClientHello is found") {
  const Bytes bytes = test::client_hello("Registry.example.com");
  const ClientHello hello = parse_client_hello(bytes);
  CHECK(hello.state == State::complete);
  CHECK(hello.server_name == "Registry.example.com");
  CHECK(hello.bytes == bytes.size());
  CHECK(!hello.encrypted);
}

TEST_CASE("bytes behind the ClientHello's record are not of it") {
  Bytes bytes = test::client_hello("a.example.com");
  const std::size_t size = bytes.size();
  test::put(bytes, {20, 3, 3, 0, 1, 1, 23, 3, 3});
  CHECK(parse_client_hello(bytes).bytes == size);
}

TEST_CASE("a ClientHello in pieces of any size is the same, and asks for no more than there is") {
  const Bytes message = client_hello_message({server_name("a.example.com"), test::padding(200)});
  for (std::size_t piece = 4; piece <= message.size(); ++piece) {
    const Bytes bytes = in_records(message, piece);
    const ClientHello hello = parse_client_hello(bytes);
    CHECK(hello.state == State::complete);
    CHECK(hello.server_name == "a.example.com");
    CHECK(hello.bytes == bytes.size());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const ClientHello part = parse_client_hello(std::span(bytes).first(size));
      CHECK(part.state == State::incomplete);
      CHECK(part.bytes > size);
      CHECK(part.bytes <= bytes.size());
    }
  }
}

TEST_CASE("a ClientHello of 64 KiB is read, a longer one is not waited for") {
  const std::size_t rest =
      client_hello_message({server_name("a.example.com"), test::padding(0)}).size();
  // Two paddings: an extension holds no more than 65535 bytes, as do all together.
  const Bytes largest =
      client_hello_message({server_name("a.example.com"), test::padding(65400 - rest)});
  CHECK(parse_client_hello(in_records(largest)).server_name == "a.example.com");
  const Bytes header{22, 3, 1, 0x40, 0, 1, 0x01, 0, 1};
  CHECK(parse_client_hello(header).problem == "its ClientHello is over 64 KiB");
}

TEST_CASE("a ClientHello in hundreds of records is refused") {
  const Bytes message = client_hello_message({server_name("a.example.com"), test::padding(400)});
  CHECK(parse_client_hello(in_records(message, 1)).problem ==
        "its ClientHello comes in too many records");
}

TEST_CASE("an encrypted ClientHello is told, real or GREASE, of the standard or the drafts") {
  CHECK(read({server_name("a.example.com"), {0xfe0d, {0, 0, 1}}}).encrypted);
  CHECK(read({server_name("a.example.com"), {0xffce, {0}}}).encrypted);
}

TEST_CASE("a ClientHello without a server name is complete") {
  CHECK(read({}).state == State::complete);
  CHECK(read({}).server_name.empty());
  Bytes old{1, 0, 0, 41, 3, 1};  // no extensions at all
  old.resize(4 + 2 + 32, 0);
  test::put(old, {0, 0, 2, 0, 47, 1, 0});
  CHECK(parse_client_hello(in_records(old)).state == State::complete);
}

TEST_CASE("server names that could be read in two ways are malformed") {
  const auto problem = [](const std::vector<test::TlsExtension>& extensions) {
    const ClientHello hello = read(extensions);
    CHECK(hello.state == State::malformed);
    return hello.problem;
  };
  CHECK(problem({server_name("a.example.com"), server_name("b.example.net")}) ==
        "it has several server names");
  test::TlsExtension two{0, {0, 8, 0, 0, 1, 'a', 0, 0, 1, 'b'}};
  CHECK(problem({two}) == "it has several server names");
  CHECK(problem({{0, {0, 4, 1, 0, 1, 'a'}}}) == "it has several server names");  // no host_name
  CHECK(problem({{0, {}}}) == "its server name is cut short");
  CHECK(problem({{0, {0, 9, 0, 0, 1, 'a'}}}) == "its server name is cut short");
  CHECK(problem({server_name("")}) == "its server name is too long");
  CHECK(problem({server_name(std::string(255, 'a'))}) == "its server name is too long");
  CHECK(problem({server_name(std::string_view("a.example.com\0.evil.net", 22))}) ==
        "its server name has bytes that no host name has");
}

TEST_CASE("what is no ClientHello is malformed") {
  const auto malformed = [](const Bytes& bytes) {
    return parse_client_hello(bytes).state == State::malformed;
  };
  CHECK(malformed({'G'}));
  CHECK(malformed({0x80, 0x2e, 1}));          // SSL 2.0
  CHECK(malformed({22, 2}));                  // no version 3
  CHECK(malformed({22, 3, 1, 0, 0}));         // an empty record
  CHECK(malformed({22, 3, 1, 0x40, 1}));      // over 16 KiB
  CHECK(malformed({22, 3, 1, 0, 4, 2}));      // a ServerHello
  CHECK(malformed({21, 3, 1, 0, 2, 2, 40}));  // an alert
  Bytes trailing = client_hello_message({server_name("a.example.com")});
  trailing.push_back(0);
  CHECK(malformed(in_records(trailing)));
  Bytes short_list = client_hello_message({server_name("a.example.com")});
  short_list[short_list.size() - 18 - 6] ^= 1U;  // the extensions' length
  CHECK(malformed(in_records(short_list)));
}

TEST_CASE("a server that asks for another hello is told from one that does not") {
  using Kind = ServerAnswer::Kind;
  const Bytes retry = test::server_answer(test::Answer::retry_request);
  const Bytes hello = test::server_answer(test::Answer::server_hello);
  CHECK(read_server_answer(retry).kind == Kind::retry_request);
  CHECK(read_server_answer(hello).kind == Kind::final);
  for (const Bytes& bytes : {retry, hello}) {
    for (std::size_t size = 0; size < 5 + 38; ++size) {
      const ServerAnswer part = read_server_answer(std::span(bytes).first(size));
      CHECK(part.kind == Kind::incomplete);
      CHECK(part.bytes_needed > size);
    }
  }
  CHECK(read_server_answer(Bytes{21, 3, 3, 0, 2, 2, 40}).kind == Kind::final);  // an alert
  CHECK(read_server_answer(Bytes{'H', 'T', 'T', 'P'}).kind == Kind::final);
  CHECK(read_server_answer(Bytes{22, 3, 3, 0, 4, 2, 0, 0, 80}).kind == Kind::unreadable);
}

}  // namespace sandbox_run::broker
