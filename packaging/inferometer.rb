# A Homebrew formula that builds this clone, for macOS and Linux. Its commands are tried by packaging/check_formula.rb; Homebrew itself was not at hand:
#   brew tap-new local/inferometer && cp packaging/inferometer.rb "$(brew --repository local/inferometer)/Formula/"
#   INFEROMETER_CLONE=$PWD brew install --HEAD local/inferometer/inferometer
class Inferometer < Formula
  desc "Runs language models on this machine and measures how fast, with intervals"
  license "Apache-2.0"
  head "file://#{ENV.fetch("HOMEBREW_INFEROMETER_CLONE", ENV.fetch("INFEROMETER_CLONE", "/nowhere"))}", using: :git

  depends_on "cmake" => :build
  depends_on "ninja" => :build
  depends_on "pkgconf" => :build
  depends_on "cli11" => :build
  depends_on "nlohmann-json" => :build
  depends_on "boost"
  depends_on "curl"
  depends_on "fmt"
  depends_on "gnuplot"
  depends_on "hwloc"
  depends_on "libarchive"
  depends_on "pcre2"
  depends_on "simdjson"
  depends_on "sqlite"
  depends_on "utf8proc"
  depends_on "yaml-cpp"

  def install
    system "cmake", "-S", ".", "-B", "build", "-G", "Ninja", "-DIFM_TESTS=OFF", *std_cmake_args
    system "cmake", "--build", "build"
    system "cmake", "--install", "build"
  end

  test do
    assert_match "inferometer", shell_output("#{bin}/inferometer --version")
  end
end
