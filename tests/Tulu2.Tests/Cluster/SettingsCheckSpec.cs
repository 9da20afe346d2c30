using System.Net;
using System.Net.Sockets;
using Tulu2.Cluster.Configuration;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Tests.Cli;
using Tulu2.Tests.Runs;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>What is wrong with the settings of a node is said before it starts: file, key, value, and what to write.</summary>
public sealed class SettingsCheckSpec : IDisposable
{
    private const string Tcp = "akka.remote.dot-netty.tcp";
    private const string Seeds = "akka.cluster.seed-nodes";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tulu2-settings-");

    [Theory]
    [InlineData($"{Tcp}.hostname = \"no-such-host.invalid\"", $"{Tcp}.hostname", "'no-such-host.invalid' is not a name that this machine knows")]
    [InlineData($"{Tcp}.hostname = \"0.0.0.0\"", $"{Tcp}.hostname", "'0.0.0.0' stands for every address of this machine")]
    [InlineData($"{Tcp}.hostname = \"192.0.2.77\"", $"{Tcp}.hostname", "'192.0.2.77' is no address of this machine")]
    [InlineData($"{Tcp}.port = many", $"{Tcp}.port", "wants a port, not 'many'")]
    [InlineData($"{Tcp}.port = 70000", $"{Tcp}.port", "wants a port, not '70000'")]
    [InlineData($"{Tcp}.enable-ssl = perhaps", $"{Tcp}.enable-ssl", "wants on or off, not 'perhaps'")]
    [InlineData($"{Seeds} = [\"akka.tcp://other@127.0.0.1:4053\"]", Seeds, "names the actor system 'other'")]
    [InlineData($"{Seeds} = [\"akka.ssl.tcp://tulu2@127.0.0.1:4053\"]", Seeds, "is an address with TLS")]
    [InlineData($"{Tcp}.enable-ssl = on\n{Seeds} = [\"akka.tcp://tulu2@127.0.0.1:4053\"]", Seeds, "is an address without TLS")]
    [InlineData($"{Seeds} = [\"akka.udp://tulu2@127.0.0.1:4053\"]", Seeds, "has the protocol 'akka.udp'")]
    [InlineData($"{Seeds} = [\"tulu2@127.0.0.1\"]", Seeds, "'tulu2@127.0.0.1' is not the address of a node")]
    [InlineData($"{Seeds} = [\"akka.tcp://tulu2@127.0.0.1:0\"]", Seeds, "has the port 0")]
    [InlineData($"{Seeds} = \"akka.tcp://tulu2@127.0.0.1:4053\"", Seeds, "is not a list")]
    [InlineData($"{Tcp} {{ hostname = \"127.0.0.1\", public-hostname = \"192.0.2.77\" }}", $"{Tcp}.public-hostname", "'192.0.2.77' is reached by other machines, and TLS is off")]
    [InlineData($"{Tcp} {{ hostname = \"0.0.0.0\", public-hostname = \"192.0.2.77\" }}", $"{Tcp}.hostname", "'0.0.0.0' is reached by other machines, and TLS is off")]
    [InlineData($"{Tcp}.public-hostname = \"192.0.2.77\"\ntulu2.tls.off-beyond-loopback = off", $"{Tcp}.public-hostname", "TLS is off")]
    [InlineData($"{Tcp}.public-hostname = \"192.0.2.77\"\ntulu2.tls.off-beyond-loopback = maybe", "tulu2.tls.off-beyond-loopback", "wants on or off, not 'maybe'")]
    [InlineData("akka.cluster.roles = [trainer]", Seeds, "is empty, and this node does not coordinate")]
    [InlineData("akka.cluster.roles = [trianer]", "akka.cluster.roles", "there is no role 'trianer'")]
    [InlineData($"{Tcp} {{ port = 34053, hostname = \"127.0.0.1\" }}\n{Seeds} = [\"akka.tcp://tulu2@localhost:34053\"]", Seeds, "is this node, which calls itself 127.0.0.1")]
    public async Task Each_fault_is_named_by_its_key_and_value(string text, string key, string what)
    {
        var path = Write("node.conf", text);
        var (code, output, errors) = await CommandLineTests.RunAsync("", "node", "--config", path);
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Empty(output);
        Assert.Contains($"error: {path}: {key}\n       ", errors);
        Assert.Contains(what, errors);
        Assert.DoesNotContain("   at ", errors);
        Assert.DoesNotContain("Exception", errors);
        Assert.InRange(errors.Split('\n').Length, 3, 6);
    }

    [Theory]
    [InlineData($"{Tcp} {{ hostname = \"0.0.0.0\", public-hostname = \"192.0.2.77\" }}\ntulu2.tls.off-beyond-loopback = on")]
    [InlineData($"{Tcp} {{ hostname = \"0.0.0.0\", public-hostname = \"192.0.2.77\", enable-ssl = on }}")]
    [InlineData($"{Tcp}.hostname = \"127.0.0.1\"")]
    [InlineData($"{Tcp}.hostname = localhost")]
    public void A_node_that_others_reach_has_TLS_or_says_that_it_has_none(string text)
    {
        var settings = new NodeSettings("node.conf", $"akka.cluster.roles = [coordinator]\n{text}");
        SettingsCheck.Node(settings, ClusterConfig.EffectiveConfig(settings));
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        var path = Write("node.conf", $"{Tcp} {{ hostname = \"127.0.0.1\", port = {port} }}");
        var (code, _, errors) = await CommandLineTests.RunAsync("", "node", "--config", path);
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains($"error: {path}: {Tcp}.port\n       {port} on 127.0.0.1 is taken by another process", errors);
    }

    [Theory]
    [InlineData("submit", "RECIPE")]
    [InlineData("status")]
    [InlineData("cancel")]
    public async Task Commands_that_look_from_outside_refuse_the_same_seed_nodes_and_want_some(string command, params string[] rest)
    {
        using var small = new SmallTraining();
        string[] arguments = [command, .. rest.Select(_ => small.Recipe()), "--config"];
        if (command == "submit") arguments = [.. arguments[..^1], "--set", "parallel.data=1", "--run", Path.Combine(_folder.FullName, "run"), "--config"];
        var other = Write("other.conf", $"{Seeds} = [\"akka.tcp://other@127.0.0.1:4053\"]");
        Assert.Contains($"error: {other}: {Seeds}\n       'akka.tcp://other@127.0.0.1:4053' names the actor system 'other'", await ErrorsAsync(other));
        var empty = Write("empty.conf", "");
        Assert.Contains($"error: {empty}: {Seeds}\n       names no node of a cluster", await ErrorsAsync(empty));
        Assert.False(Directory.Exists(Path.Combine(_folder.FullName, "run")));

        async Task<string> ErrorsAsync(string config)
        {
            var (code, _, errors) = await CommandLineTests.RunAsync("", [.. arguments, config]);
            Assert.Equal(ExitCode.BadInput, code);
            return errors;
        }
    }

    [Fact]
    public void A_fault_in_an_included_file_is_that_files_and_paths_are_relative_to_theirs()
    {
        var folder = _folder.CreateSubdirectory("tls");
        File.WriteAllText(Path.Combine(folder.FullName, "tls.conf"), $$"""
            {{Tcp}}.enable-ssl = on
            tulu2.tls { certificate = "own/node.crt", key = "/elsewhere/node.key", authority = "authority.crt" }
            """);
        var settings = NodeSettings.Load(Write("node.conf", "include \"tls/tls.conf\"\nakka.cluster.roles = [coordinator]"));
        Assert.Equal($"{Path.Combine(folder.FullName, "tls.conf")}: tulu2.tls.key", settings.Locate("tulu2.tls.key"));
        Assert.Equal($"{settings.Where}: akka.cluster.roles", settings.Locate("akka.cluster.roles"));
        Assert.Equal(Path.Combine(folder.FullName, "own/node.crt"), settings.PathOf("tulu2.tls.certificate", "own/node.crt"));
        Assert.Equal("/elsewhere/node.key", settings.PathOf("tulu2.tls.key", "/elsewhere/node.key"));
        var bad = Assert.Throws<BadInputException>(() => ClusterCertificates.Load(settings, settings.Read().WithFallback(ClusterConfig.LocalConfig())));
        Assert.Contains($"there is no file {Path.Combine(folder.FullName, "authority.crt")}", bad.What);
    }

    [Theory]
    [InlineData("a = [1\nb = 2", 1)]
    [InlineData("a {\n b = \"}\" # }\n // }\n", 1)]
    [InlineData("a = 1\n}", 2)]
    [InlineData("a {\n b = [ }", 2)]
    [InlineData("a { b = [1, \"]\"] } # [\nc = \"\"\"{\"\"\"", null)]
    public void A_bracket_without_its_counterpart_is_found_by_its_line(string text, int? line) => Assert.Equal(line, ConfigText.LineOfLoneBracket(text));

    [Fact]
    public void A_file_that_includes_itself_is_refused()
    {
        var settings = NodeSettings.Load(Write("node.conf", "include \"node.conf\""));
        Assert.Equal("includes itself", Assert.Throws<BadInputException>(() => settings.Read()).What);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }
}
