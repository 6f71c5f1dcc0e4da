#include "policy/decoys.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/encoding.h"
#include "base/json.h"
#include "base/random.h"

using namespace sandbox_run;

namespace {

/// The same bytes each time it is made.
policy::RandomSource counting() {
  return [next = 0U](std::size_t count) mutable {
    std::string bytes;
    while (bytes.size() < count) bytes += static_cast<char>(next++ * 151U >> 3U & 0xFFU);
    return bytes;
  };
}

const policy::DecoyFile& file_at(const policy::DecoySet& decoys, const std::string& path) {
  const auto found = std::find_if(decoys.files.begin(), decoys.files.end(),
                                  [&](const auto& file) { return file.path == path; });
  REQUIRE(found != decoys.files.end());
  return *found;
}

std::string base62(std::uint32_t number) {
  constexpr std::string_view kDigits =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string text;
  for (int i = 0; i < 6; ++i, number /= 62) text.insert(text.begin(), kDigits[number % 62]);
  return text;
}

}  // namespace

TEST_CASE("decoys stand where thieves look first") {
  const policy::DecoySet decoys = policy::make_decoys(counting(), "/home/u");
  for (const char* path : {"/home/u/.ssh/id_ed25519", "/home/u/.aws/credentials", "/home/u/.netrc",
                           "/home/u/.git-credentials", "/home/u/.docker/config.json",
                           "/home/u/.kube/config", "/home/u/.env"}) {
    CAPTURE(path);
    CHECK_FALSE(file_at(decoys, path).content.empty());
  }
}

TEST_CASE("two runs have no secret in common, nor two decoys of one run") {
  std::set<std::string> seen;
  for (int run = 0; run < 3; ++run) {
    const policy::DecoySet decoys = policy::make_decoys(base::random_bytes, "/home/u");
    for (const auto& file : decoys.files) {
      for (const auto& secret : file.secrets) CHECK(seen.insert(secret).second);
    }
    for (const auto& variable : decoys.variables) CHECK(seen.insert(variable.value).second);
  }
}

TEST_CASE("each secret stands in its file, or is the key of which the file is the text") {
  const policy::DecoySet decoys = policy::make_decoys(base::random_bytes, "/home/u");
  for (const auto& file : decoys.files) {
    for (const auto& secret : file.secrets) {
      CAPTURE(file.path);
      CHECK(secret.size() >= 16);
      const bool derived = secret.size() == 32 && file.path.ends_with("id_ed25519");
      const bool password = file.path.ends_with(".docker/config.json");
      CHECK((derived || password || file.content.find(secret) != std::string::npos));
    }
  }
}

TEST_CASE("an AWS key id has the length, the alphabet, the fixed bit and an account of 12 digits") {
  constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  for (int i = 0; i < 200; ++i) {
    const std::string id = policy::aws_access_key_id(base::random_bytes);
    REQUIRE(id.size() == 20);
    CHECK(id.starts_with("AKIA"));
    unsigned __int128 bits = 0;
    for (const char digit : id.substr(4)) {
      const std::size_t value = kBase32.find(digit);
      REQUIRE(value != std::string_view::npos);
      bits = bits << 5U | value;
    }
    CHECK(static_cast<unsigned>(bits >> 79U) == 1);
    CHECK(static_cast<std::uint64_t>(bits >> 39U & 0xFFFFFFFFFFULL) < 1'000'000'000'000ULL);
  }
}

TEST_CASE("a token's last six characters are its checksum") {
  for (const char* prefix : {"ghp_", "npm_"}) {
    const std::string token = policy::checksummed_token(base::random_bytes, prefix);
    REQUIRE(token.size() == 40);
    CHECK(token.starts_with(prefix));
    CHECK(token.substr(34) == base62(base::crc32(token.substr(4, 30))));
  }
}

TEST_CASE("the SSH key's public half belongs to its private one") {
  const policy::SshKey key = policy::ssh_key(base::random_bytes, "u@workstation");
  CHECK(key.private_file.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE"));
  CHECK(key.private_file.ends_with("-----END OPENSSH PRIVATE KEY-----\n"));
  CHECK(key.public_line.starts_with("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"));
  // RFC 8032, 7.1, the first test vector.
  std::string seed;
  for (const char* at = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
       *at != '\0'; at += 2) {
    seed += static_cast<char>(std::stoi(std::string(at, 2), nullptr, 16));
  }
  CHECK(base::hex_encode(base::ed25519_public_key(seed)) ==
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
}

TEST_CASE("what should be JSON is JSON") {
  const policy::DecoySet decoys = policy::make_decoys(base::random_bytes, "/home/u");
  CHECK(base::parse_json(file_at(decoys, "/home/u/.docker/config.json").content));
}

TEST_CASE("only ~/.netrc has readers in the ordinary course, and these are HTTP clients") {
  const policy::DecoySet decoys = policy::make_decoys(counting(), "/home/u");
  for (const auto& file : decoys.files) {
    CHECK((file.readers == policy::DecoyReaders::http_clients) == (file.path == "/home/u/.netrc"));
  }
  CHECK(policy::is_http_client("/usr/bin/curl"));
  CHECK(policy::is_http_client("/usr/bin/python3.11"));
  CHECK_FALSE(policy::is_http_client("/usr/bin/node"));
  CHECK_FALSE(policy::is_http_client("/usr/bin/cat"));
}
