#pragma once

#include <string_view>

namespace sandbox_run::policy {

/// One bit, which is nobody's secret: 0, 1, true, false, yes, no, on, off in any letter case.
bool is_switch(std::string_view value);

/// Does this value hold a credential of a well-known form, whatever the variable's name says? The
/// prefixes that services give their tokens so that scanners find them (GitHub's, npm's, GitLab's,
/// AWS', Slack's …), a JSON web token (RFC 7519), a private key (RFC 7468).
bool has_token_form(std::string_view value);

/// That, or a word that looks like chance: 32 characters or more in which letters and digits
/// alternate. Errs to the side of true: a path of the Nix store or a commit's digest looks like
/// one.
bool looks_like_secret(std::string_view value);

}  // namespace sandbox_run::policy
