#pragma once
// The terminal messenger's commands. Output on stdout, sentences about failures on stderr.

namespace melder::apps {

/// Exit codes: 0 done, 1 refused or failed (a sentence on stderr says why), 2 wrong usage.
[[nodiscard]] int run_melder(int argc, char** argv);

}  // namespace melder::apps
