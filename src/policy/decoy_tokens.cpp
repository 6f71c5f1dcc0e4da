#include "policy/decoy_tokens.h"

#include <cstdint>
#include <string_view>

#include "base/encoding.h"
#include "base/text.h"

namespace sandbox_run::policy {
namespace {

constexpr std::string_view kBase62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

std::uint64_t random_number(const RandomSource& random) {
  std::uint64_t number = 0;
  for (const char byte : random(sizeof number)) {
    number = number << 8U | static_cast<unsigned char>(byte);
  }
  return number;
}

/// As base 64 of URLs (RFC 4648, section 5), without padding.
std::string base64_url(std::string_view bytes) {
  std::string text = base::base64_encode(bytes);
  while (text.ends_with('=')) text.pop_back();
  return base::replace_all(base::replace_all(std::move(text), "+", "-"), "/", "_");
}

/// A string of the SSH protocol (RFC 4251, section 5): its length, then its bytes.
std::string ssh_string(std::string_view bytes) {
  std::string text;
  for (unsigned shift = 32; shift > 0;) {
    shift -= 8;
    text += static_cast<char>(bytes.size() >> shift & 0xFFU);
  }
  return text.append(bytes);
}

}  // namespace

std::string random_text(const RandomSource& random, std::string_view alphabet, std::size_t count) {
  std::string text;
  const std::size_t fair = 256 - 256 % alphabet.size();  // bytes beyond would favour the first ones
  while (text.size() < count) {
    for (const char byte : random(count)) {
      const std::size_t value = static_cast<unsigned char>(byte);
      if (value < fair && text.size() < count) text += alphabet[value % alphabet.size()];
    }
  }
  return text;
}

std::string random_letters_and_digits(const RandomSource& random, std::size_t count) {
  return random_text(random, kBase62, count);
}

std::string aws_access_key_id(const RandomSource& random) {
  constexpr std::uint64_t kAccounts = 1'000'000'000'000;
  constexpr unsigned kBits = 80;
  constexpr unsigned kAccountBits = 40;
  const std::uint64_t account = random_number(random) % kAccounts;
  const std::uint64_t rest = random_number(random);
  // One bit that is always set, the account's 40, and 39 that name the key.
  const auto bit = [&](unsigned at) -> unsigned {
    if (at == 0) return 1;
    if (at <= kAccountBits) return static_cast<unsigned>(account >> (kAccountBits - at) & 1U);
    return static_cast<unsigned>(rest >> (kBits - 1 - at) & 1U);
  };
  std::string id = "AKIA";
  for (unsigned at = 0; at < kBits; at += 5) {
    unsigned digit = 0;
    for (unsigned i = 0; i < 5; ++i) digit = digit << 1U | bit(at + i);
    id += kBase32[digit];
  }
  return id;
}

std::string aws_secret_access_key(const RandomSource& random) {
  return random_text(random, kBase64, 40);
}

std::string checksummed_token(const RandomSource& random, std::string_view prefix) {
  const std::string body = random_letters_and_digits(random, 30);
  std::string checksum;
  for (std::size_t rest = base::crc32(body); checksum.size() < 6; rest /= kBase62.size()) {
    checksum.insert(checksum.begin(), kBase62[rest % kBase62.size()]);
  }
  return std::string(prefix) + body + checksum;
}

std::string service_account_token(const RandomSource& random) {
  constexpr std::size_t kSignature = 256;  // RSA with 2048 bits
  const std::string header = R"({"alg":"RS256","kid":")" + base64_url(random(32)) + R"("})";
  const std::string claims =
      R"({"iss":"kubernetes/serviceaccount","kubernetes.io/serviceaccount/namespace":"prod",)"
      R"("kubernetes.io/serviceaccount/secret.name":"deployer-token-)" +
      random_text(random, "bcdfghjklmnpqrstvwxz2456789", 5) +
      R"(","sub":"system:serviceaccount:prod:deployer"})";
  return base64_url(header) + "." + base64_url(claims) + "." + base64_url(random(kSignature));
}

SshKey ssh_key(const RandomSource& random, std::string_view comment) {
  constexpr std::string_view kType = "ssh-ed25519";
  constexpr std::size_t kSeed = 32;
  constexpr std::size_t kBlock = 8;  // of the cipher "none"
  constexpr std::size_t kLine = 70;
  SshKey key;
  key.seed = random(kSeed);
  const std::string point = base::ed25519_public_key(key.seed);
  const std::string public_blob = ssh_string(kType) + ssh_string(point);
  const std::string check = random(4);
  std::string secret = check + check + ssh_string(kType) + ssh_string(point) +
                       ssh_string(key.seed + point) + ssh_string(comment);
  for (char padding = 1; secret.size() % kBlock != 0; ++padding) secret += padding;
  const std::string one_key{'\0', '\0', '\0', '\1'};
  const std::string blob = std::string("openssh-key-v1") + '\0' + ssh_string("none") +
                           ssh_string("none") + ssh_string("") + one_key + ssh_string(public_blob) +
                           ssh_string(secret);
  const std::string text = base::base64_encode(blob);
  key.private_file = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
  for (std::size_t at = 0; at < text.size(); at += kLine) {
    key.private_file += text.substr(at, kLine) + "\n";
  }
  key.private_file += "-----END OPENSSH PRIVATE KEY-----\n";
  key.public_line = std::string(kType) + " " + base::base64_encode(public_blob) + " " +
                    std::string(comment) + "\n";
  return key;
}

}  // namespace sandbox_run::policy
