using System.Text.Json;
using Tulu2.Runs.Output;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary><c>cluster certificates</c>: what a person types to have TLS.</summary>
public sealed class ClusterCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tulu2-certificates-");

    private string To => Path.Combine(_folder.FullName, "certificates");

    [Fact]
    public async Task Nodes_are_added_renewed_and_removed()
    {
        Assert.Equal(["coordinator1 made", "trainer1 made"], await ActsAsync("--node", "coordinator1", "trainer1"));
        Assert.Equal(["coordinator1 kept", "trainer2 made"], await ActsAsync("--node", "coordinator1", "--node", "trainer2"));
        Assert.Equal(["trainer1 renewed"], await ActsAsync("--node", "trainer1", "--renew"));
        string[] Admitted() => [.. File.ReadAllLines(Path.Combine(To, "shared", "admitted")).Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(' ')[1]).Order()];
        Assert.Equal(["coordinator1", "trainer1", "trainer1", "trainer2"], Admitted());
        Assert.Empty(await ActsAsync("--remove", "trainer1"));
        Assert.Equal(["coordinator1", "trainer2"], Admitted());
        foreach (var file in new[] { "authority.key", "shared/authority.crt", "nodes/trainer2/node.crt", "nodes/trainer2/node.key" }) Assert.True(File.Exists(Path.Combine(To, file)), file);
    }

    [Theory]
    [InlineData("--node", "names nobody")]
    [InlineData("../up", "is not the name of a machine", "--node", "../up")]
    [InlineData("--days", "0 is below 1", "--node", "one", "--days", "0")]
    [InlineData("--remove one", "is also given to --node", "--node", "one", "--remove", "one")]
    [InlineData("", "has no certificate of a node 'two'", "--remove", "two")]
    public async Task What_cannot_be_done_is_named_and_makes_nothing(string where, string what, params string[] arguments)
    {
        var (code, _, errors) = await CommandLineTests.RunAsync("", ["cluster", "certificates", "--to", To, .. arguments]);
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains($"error: {where}", errors);
        Assert.Contains(what, errors);
        Assert.False(Directory.Exists(Path.Combine(To, "nodes", "one")));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private async Task<string[]> ActsAsync(params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", ["cluster", "certificates", "--to", To, "--json", .. arguments]);
        Assert.True(code == ExitCode.Done, errors);
        Assert.DoesNotContain("PRIVATE KEY", output + errors, StringComparison.Ordinal);
        var last = JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;
        return [.. last.GetProperty("nodes").EnumerateArray().Select(node => $"{node.GetProperty("name")} {node.GetProperty("act")}")];
    }
}
