#include "cli/main_function.h"

int main(int argc, char** argv) { return sandbox_run::cli::main_function({argv + 1, argv + argc}); }
