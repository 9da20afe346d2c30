using Tulu2.Cli.Shell;
using Tulu2.Cluster.Hosting;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace Tulu2.Tests.Cluster;

/// <summary>The files a user adapts for a cluster over machines: they parse, and what they name exists. No container is started.</summary>
public sealed class ClusterConfigSpec
{
    private static readonly string Root = Repository();

    [Theory]
    [InlineData("compose.conf")]
    [InlineData("coordinator.conf")]
    [InlineData("trainer.conf")]
    [InlineData("submit.conf")]
    [InlineData("tls.conf")]
    public void Every_file_is_HOCON_that_lies_over_the_local_one(string file)
    {
        Environment.SetEnvironmentVariable("TULU2_HOST", "here");
        var config = NodeSettings.Load(Path.Combine(Root, "cluster-config", file)).Read().WithFallback(ActorHost.LocalConfig());
        Assert.Equal(3, config.GetStringList("akka.cluster.seed-nodes").Count);
        Assert.All(config.GetStringList("akka.cluster.seed-nodes"), seed => Assert.Equal("tulu2", Akka.Actor.Address.Parse(seed).System));
        Assert.Equal("keep-majority", config.GetString("akka.cluster.split-brain-resolver.active-strategy"));
        if (file is "coordinator.conf" or "trainer.conf") Assert.Equal([Path.GetFileNameWithoutExtension(file)], config.GetStringList("akka.cluster.roles"));
        if (file != "tls.conf") Assert.Equal("here", config.GetString("akka.remote.dot-netty.tcp.hostname"));
    }

    [Fact]
    public async Task What_no_node_could_work_with_is_refused_by_its_place()
    {
        var places = new NodeSettings("node.conf", "tulu2.node.places = many");
        Assert.Equal("node.conf: tulu2.node.places", Assert.Throws<Tulu2.Files.BadInputException>(() => places.Places(places.Read())).Where);
        var error = new StringWriter();
        var terminal = new Terminal(TextReader.Null, TextWriter.Null, error, false);
        Assert.Equal(ExitCode.BadInput, await CommandLine.RunAsync(["node", "--config", Path.Combine(Root, "cluster-config", "trainer.conf"), "--roles", "trianer"], terminal));
        Assert.Contains("there is no role 'trianer'", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_command_of_the_compose_file_parses_and_names_files_that_are_there()
    {
        var yaml = new YamlStream();
        using (var reader = new StreamReader(Path.Combine(Root, "docker-compose.yml"))) yaml.Load(reader);
        var root = (YamlMappingNode)yaml.Documents[0].RootNode;
        var services = (YamlMappingNode)root["services"];
        Assert.Equal(3, services.Children.Keys.Count(name => $"{name}".StartsWith("coordinator", StringComparison.Ordinal)));
        var commands = CommandLine.Build(new Terminal(TextReader.Null, TextWriter.Null, TextWriter.Null, false));
        foreach (var (name, service) in services.Children)
        {
            string[] words = [.. ((YamlSequenceNode)service["command"]).Select(word => $"{word}")];
            Assert.Empty(commands.Parse(words).Errors);
            var config = words[Array.IndexOf(words, "--config") + 1];
            Assert.True(File.Exists(Path.Combine(Root, config["/app/".Length..])), $"{name}: there is no {config}");
            Assert.NotNull(service["environment"]["TULU2_HOST"]);
        }
        Assert.True(File.Exists(Path.Combine(Root, "Dockerfile")));
    }

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Tulu2Actors.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }
}
