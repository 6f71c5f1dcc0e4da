#include "broker/http_head.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace sandbox_run::broker {
namespace {

using State = HttpHead::State;
using Body = HttpHead::Body;
using namespace std::string_literals;

std::string get(const std::string& fields) { return "GET / HTTP/1.1\r\n" + fields + "\r\n"; }

const std::string kHost = "Host: a.example.com\r\n";

std::string problem(const std::string& bytes) {
  const HttpHead head = parse_http_head(bytes);
  CHECK(head.state == State::refused);
  return head.problem;
}

}  // namespace

TEST_CASE("the host of a request is found, and where its head ends") {
  const std::string head = get("accept: */*\r\nhOsT: \t A.example.com:80 \r\n");
  const HttpHead parsed = parse_http_head(head + "GET /next");
  CHECK(parsed.state == State::complete);
  CHECK(parsed.host == "A.example.com:80");
  CHECK(parsed.authority.empty());
  CHECK(parsed.size == head.size());
  CHECK(parsed.body == Body::none);
}

TEST_CASE("a head that is not all there is waited for") {
  const std::string head = get(kHost + "Content-Length: 3\r\n");
  for (std::size_t size = 0; size < head.size(); ++size) {
    CHECK(parse_http_head(head.substr(0, size)).state == State::incomplete);
  }
  CHECK(parse_http_head(head).state == State::complete);
}

TEST_CASE("the length of a body is told") {
  const HttpHead counted = parse_http_head(get(kHost + "Content-Length: 1234\r\n"));
  CHECK(counted.body == Body::counted);
  CHECK(counted.body_size == 1234);
  CHECK(parse_http_head(get(kHost + "transfer-encoding: Chunked\r\n")).body == Body::chunked);
}

TEST_CASE("an absolute target names a host of its own") {
  const auto authority = [](const std::string& target) {
    return parse_http_head("GET " + target + " HTTP/1.1\r\n" + kHost + "\r\n").authority;
  };
  CHECK(authority("http://b.example.net/x") == "b.example.net");
  CHECK(authority("HTTP://b.example.net:8080?x") == "b.example.net:8080");
  CHECK(authority("http://me@b.example.net/") == "me@b.example.net");
  CHECK(authority("//b.example.net/x").empty());  // a path
}

TEST_CASE("a request for another protocol or a tunnel is refused") {
  CHECK(problem("CONNECT a.example.com:443 HTTP/1.1\r\n" + kHost + "\r\n") ==
        "it asks for a tunnel (CONNECT)");
  CHECK(problem(get(kHost + "Upgrade: websocket\r\n")) == "it asks for another protocol (Upgrade)");
  CHECK(problem("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == "it is HTTP/2 without TLS");
  CHECK(problem("GET /\r\n") == "it is no HTTP/1 request");
  CHECK(problem("GET / HTTP/1.2\r\n" + kHost + "\r\n") == "it is no HTTP/1 request");
  CHECK(problem("SSH-2.0-OpenSSH_9.2\r\n") == "it is no HTTP/1 request");
  CHECK(problem(std::string(40, 'A')) == "it is no HTTP/1 request");
  CHECK(problem("\r\nGET / HTTP/1.1\r\n") == "it is no HTTP/1 request");
}

TEST_CASE("a request must name one host") {
  CHECK(problem(get("")) == "it has no Host");
  CHECK(problem(get("Host:\r\n")) == "it has no Host");
  CHECK(problem(get(kHost + kHost)) == "it has several Host fields");
  CHECK(problem(get(kHost + "HOST: evil.example.net\r\n")) == "it has several Host fields");
  CHECK(problem("GET / HTTP/1.0\r\n\r\n") == "it has no Host");
}

TEST_CASE("what two readers could understand in two ways is refused") {
  const std::string malformed = "a field of its head is malformed";
  CHECK(problem(get("Host : a.example.com\r\n")) == malformed);
  CHECK(problem(get(" Host: a.example.com\r\n")) == malformed);
  CHECK(problem(get(kHost + " folded\r\n")) == malformed);
  CHECK(problem(get(kHost + "\tfolded: x\r\n")) == malformed);
  CHECK(problem(get(kHost + ": x\r\n")) == malformed);
  CHECK(problem(get(kHost + "no colon\r\n")) == malformed);
  CHECK(problem(get(kHost + "Content_Length: 5\r\n")) == malformed);
  CHECK(problem(get("Host: a.example.com\0.evil.net\r\n"s)) ==
        "a field of its head has a control character");
  CHECK(problem(get(kHost + "X: a\rHost: evil\r\n")) ==
        "a field of its head has a control character");
  CHECK(problem("GET / HTTP/1.1\n" + kHost + "\r\n") == "a line of its head ends in LF alone");
  CHECK(problem(get(kHost + "X: a\nHost: evil\r\n")) == "a line of its head ends in LF alone");
  CHECK(problem("GET  / HTTP/1.1\r\n" + kHost + "\r\n") == "its target is malformed");
  CHECK(problem("GET /a b HTTP/1.1\r\n" + kHost + "\r\n") == "its target is malformed");
  CHECK(problem("GET a.example.com:443 HTTP/1.1\r\n" + kHost + "\r\n") ==
        "its target is malformed");
  CHECK(problem("GET https://b.example.net/ HTTP/1.1\r\n" + kHost + "\r\n") ==
        "its target is malformed");
  CHECK(problem("GET http:///x HTTP/1.1\r\n" + kHost + "\r\n") == "its target is malformed");
  CHECK(problem("GET * HTTP/1.1\r\n" + kHost + "\r\n") == "its target is malformed");
}

TEST_CASE("a body of two lengths, or of an unclear one, is refused") {
  const std::string length = "its Content-Length is malformed";
  for (const char* value : {"", "+5", "-1", "5, 5", "0x5", "5 5", "99999999999999999999"}) {
    CHECK(problem(get(kHost + "Content-Length: " + value + "\r\n")) == length);
  }
  CHECK(problem(get(kHost + "Content-Length: 5\r\nContent-Length: 5\r\n")) == length);
  CHECK(problem(get(kHost + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")) ==
        "it has both Content-Length and Transfer-Encoding");
  const std::string encoding = "its Transfer-Encoding is not just \"chunked\"";
  for (const char* value :
       {"gzip, chunked", "identity", "chunked, chunked", "\"chunked\"", "xchunked"}) {
    CHECK(problem(get(kHost + "Transfer-Encoding: " + value + "\r\n")) == encoding);
  }
  CHECK(problem(get(kHost + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")) ==
        encoding);
  CHECK(problem("POST / HTTP/1.0\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n") ==
        "it has a Transfer-Encoding, which HTTP/1.0 has not");
}

TEST_CASE("a head of 64 KiB is the longest") {
  const std::string line = "X: " + std::string(65000, 'x') + "\r\n";
  CHECK(parse_http_head(get(kHost + line)).state == State::complete);
  CHECK(problem(get(kHost + line + line)) == "its head is over 64 KiB");
}

TEST_CASE("the line before a chunk says how long it is, and nothing else") {
  const ChunkLine line = parse_chunk_line("1aF\r\ndata");
  CHECK(line.state == ChunkLine::State::complete);
  CHECK(line.chunk == 0x1af);
  CHECK(line.size == 5);
  CHECK(parse_chunk_line("0\r\n").chunk == 0);
  for (const char* part : {"", "1", "1a", "1a\r"}) {
    CHECK(parse_chunk_line(part).state == ChunkLine::State::incomplete);
  }
  for (const char* text : {"\r\n", "x\r\n", "1;a=b\r\n", "1 \r\n", "0x1\r\n", "-1\r\n", "1\rx",
                           "1\n12345678901234567", "ffffffffffffffff\r\n"}) {
    CHECK(parse_chunk_line(text).state == ChunkLine::State::refused);
  }
}

}  // namespace sandbox_run::broker
