#!/usr/bin/env ruby
# Does what `brew install --HEAD` and `brew test` would do with packaging/inferometer.rb, where there is no Homebrew: a clone of this
# repository's HEAD, the formula's own commands, its own test; the libraries are the system's. What Homebrew itself checks (names of its
# packages, its sandbox) is not seen. usage: ruby packaging/check_formula.rb
require "fileutils"
require "tmpdir"

repository = File.expand_path("..", __dir__)
ENV["INFEROMETER_CLONE"] = repository

# The words of Homebrew's language that the formula uses.
class Formula
  class << self
    attr_reader :source, :packages, :checked

    def desc(_text) = nil
    def license(_name) = nil
    def head(url, using:) = @source = [url, using]
    def depends_on(package) = (@packages ||= []) << package
    def test(&block) = @checked = block
  end

  attr_reader :prefix

  def initialize(prefix) = @prefix = prefix
  def bin = File.join(prefix, "bin")
  def std_cmake_args = ["-DCMAKE_INSTALL_PREFIX=#{prefix}", "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_TESTING=OFF", "-Wno-dev"]
  def system(*command) = Kernel.system(*command, exception: true)
  def check = instance_eval(&self.class.checked)

  def shell_output(command)
    output = `#{command}`
    raise "#{command}: exit code #{$?.exitstatus}" unless $?.success?
    output
  end

  def assert_match(expected, text)
    raise "expected #{expected} in: #{text}" unless text.include?(expected)
  end
end

require_relative "inferometer"
url, using = Inferometer.source
raise "head is #{url} (expected a clone by git)" unless using == :git && url == "file://#{repository}"
Dir.mktmpdir do |scratch|
  source = File.join(scratch, "source")
  system("git", "clone", "-q", url, source, exception: true)
  formula = Inferometer.new(File.join(scratch, "prefix"))
  Dir.chdir(source) { formula.install }
  FileUtils.rm_rf(source) # what is installed needs nothing of it
  formula.check
  puts "the formula's commands install a program that passes the formula's test"
end
