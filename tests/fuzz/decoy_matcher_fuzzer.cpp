// libFuzzer: any bytes around a decoy's value: it is found in them, plain and encoded.
#include "base/encoding.h"
#include "fuzz.h"
#include "watch/decoy_matcher.h"

FUZZ_TARGET(decoy_matcher, data, size) {
  using namespace sandbox_run;
  constexpr std::size_t kLongest = 2048;
  if (size > kLongest) return 0;
  static const std::string kValue = "Zq3xV9mKp7Lw2RtY8sBn4DfG6hJc1XaE";
  static const watch::DecoyMatcher matcher({{"~/.aws/credentials", kValue}});
  const auto texts = fuzz::texts_of(data, size, 2);
  const std::string whole = texts[0] + kValue + texts[1];
  fuzz::require(matcher.find(whole).has_value());
  fuzz::require(matcher.find(base::base64_encode(whole)).has_value());
  fuzz::require(matcher.find(base::hex_encode(whole)).has_value());
  const auto found = matcher.find(fuzz::text_of(data, size));
  // Nobody has a piece of it by chance.
  if (found) fuzz::require(size >= 12);
  return 0;
}
