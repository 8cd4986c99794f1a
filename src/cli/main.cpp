#include "cli/app.h"

int main(int argc, char** argv) { return imagined::cli::run(argc, argv); }
