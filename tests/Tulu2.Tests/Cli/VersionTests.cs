using System.Diagnostics;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Tulu2.Checkpoints;
using Tulu2.Runs.Output;
using Tulu2.Tests.Runs;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary>One number, in <c>Directory.Build.props</c>: the command line prints it, and what a run leaves behind carries it.</summary>
public partial class VersionTests
{
    private static readonly string Number =
        XDocument.Load(Checkout.Path("Directory.Build.props")).Descendants("VersionPrefix").Single().Value;

    [Fact]
    public async Task The_command_line_prints_the_version_and_the_manifest_and_the_report_carry_it()
    {
        using var small = new SmallTraining();
        // The number is that of the process's own program, so that it has to be one.
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "tulu2"), ["--version"]) { RedirectStandardOutput = true })!;
        var printed = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(ExitCode.Done, process.ExitCode);
        Assert.Matches($@"^{Regex.Escape(Number)}(\+[0-9a-f]+)?\n$", printed);

        var run = small.In("run");
        var (code, _, errors) = await CommandLineTests.RunAsync("", "train", small.Recipe(), "--run", run, "--in-process", "--set", "steps=2");
        Assert.True(code == ExitCode.Done, errors);
        var manifest = Directory.GetFiles(Path.Combine(run, "checkpoints", "manifests")).Order().Last();
        Assert.Equal(printed.Trim(), new CheckpointStore(Path.Combine(run, "checkpoints")).Read(manifest).Facts["tulu2"]);
        Assert.Contains(printed.Trim(), File.ReadAllText(Path.Combine(run, "report.html")));
    }

    [Fact]
    public void The_change_log_begins_with_the_version() =>
        Assert.Equal(Number, Heading().Matches(File.ReadAllText(Checkout.Path("CHANGELOG.md"))).Select(match => match.Groups[1].Value).First(name => name != "Unreleased"));

    [GeneratedRegex(@"^## \[([^\]]+)\]", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
