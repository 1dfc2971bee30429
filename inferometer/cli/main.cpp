#include "inferometer/cli/app.h"

int main(int argc, char** argv) { return ifm::run_program(argc, argv); }
