// Where the program's sanitizers write: into files, since standard error of a process that sshd started, or
// that detached itself, is nobody's to read. `make sanitize` looks for them. The names are the sanitizers'
// own.
extern "C" const char* __asan_default_options();
extern "C" const char* __ubsan_default_options();

const char* __asan_default_options() {
  return "log_path=" ISTHMUS_REPORTS;
}
const char* __ubsan_default_options() {
  return "print_stacktrace=1:log_path=" ISTHMUS_REPORTS;
}
