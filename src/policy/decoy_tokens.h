#pragma once

#include <functional>
#include <string>

// Credentials that open nothing, in the form of real ones: a thief's own check (prefix, length,
// checksum) must not tell them apart. Pure but for the random source.

namespace sandbox_run::policy {

/// That many random bytes; base::random_bytes, or a test's own.
using RandomSource = std::function<std::string(std::size_t)>;

/// `count` characters, each of `alphabet` (at most 256 characters) with the same chance.
std::string random_text(const RandomSource& random, std::string_view alphabet, std::size_t count);
std::string random_letters_and_digits(const RandomSource& random, std::size_t count);

/// "AKIA" and 16 characters of base 32, which hold a number of 12 digits, the account's, as in
/// those that Amazon gives out since 2019.
std::string aws_access_key_id(const RandomSource& random);
/// 40 characters of base 64.
std::string aws_secret_access_key(const RandomSource& random);
/// `prefix` ("npm_", "ghp_"), 30 random characters, and 6 of their CRC-32 in base 62: the form
/// that GitHub and npm have used since 2021.
std::string checksummed_token(const RandomSource& random, std::string_view prefix);
/// A JSON Web Token (RFC 7519) of a Kubernetes service account; its RS256 signature is random.
std::string service_account_token(const RandomSource& random);

/// An unencrypted Ed25519 key as ssh-keygen(1) writes it: OpenSSH's PROTOCOL.key. The public half
/// belongs to the private one, so `ssh-keygen -y` is content.
struct SshKey {
  std::string private_file;
  std::string public_line;
  std::string seed;  // the 32 secret bytes
};
SshKey ssh_key(const RandomSource& random, std::string_view comment);

}  // namespace sandbox_run::policy
