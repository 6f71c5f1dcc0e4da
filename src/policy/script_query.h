#pragma once

#include <string_view>

namespace sandbox_run::policy {

/// A program for bun and deno that prints one JSON object: {"registries": [URL, …], "cache": PATH}.
/// It has the very manager ask for a package, of each scope that is configured, too, through a
/// proxy of its own, and reports where the request would have gone: nobody else knows the default.
extern const std::string_view kScriptQuery;

/// A program for bun that prints where `bun add -g` puts packages, or programs, as WHICH says (a
/// constant before it); nothing if the project has a say in that.
extern const std::string_view kBunPlaces;

}  // namespace sandbox_run::policy
