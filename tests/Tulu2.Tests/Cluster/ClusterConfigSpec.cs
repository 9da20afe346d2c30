using Tulu2.Cli;
using Tulu2.Cli.Shell;
using Tulu2.Cluster.Configuration;
using Tulu2.Cluster.Logging;
using Tulu2.Runs.Output;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace Tulu2.Tests.Cluster;

/// <summary>The files a user adapts for a cluster over machines: they parse, and what they name exists. No container is started.</summary>
public sealed class ClusterConfigSpec
{
    private static readonly string Root = Checkout.Root;

    [Theory]
    [InlineData("compose.conf")]
    [InlineData("coordinator.conf")]
    [InlineData("trainer.conf")]
    [InlineData("evaluator.conf")]
    [InlineData("submit.conf")]
    [InlineData("seeds.conf")]
    public void Every_file_is_HOCON_that_lies_over_the_base(string file)
    {
        Environment.SetEnvironmentVariable("TULU2_HOST", "here");
        var config = ClusterConfig.EffectiveConfig(NodeSettings.Load(Path.Combine(Root, "cluster-config", file)));
        Assert.Equal(3, config.GetStringList("akka.cluster.seed-nodes").Count);
        Assert.All(config.GetStringList("akka.cluster.seed-nodes"), seed => Assert.Equal("akka.ssl.tcp://tulu2", seed.Split('@')[0]));
        Assert.Equal("/etc/tulu2/shared/admitted", ClusterCertificates.FilesOf(new NodeSettings("", ""), config)!.Admitted);
        Assert.Equal("keep-majority", config.GetString("akka.cluster.split-brain-resolver.active-strategy"));
        if (file is "coordinator.conf" or "trainer.conf" or "evaluator.conf") Assert.Equal([Path.GetFileNameWithoutExtension(file)], config.GetStringList("akka.cluster.roles"));
        if (file is "compose.conf" or "coordinator.conf" or "trainer.conf") Assert.Equal("here", config.GetString("akka.remote.dot-netty.tcp.hostname"));
    }

    [Theory]
    [InlineData("coordinator.conf", "coordinator")]
    [InlineData("trainer.conf", "trainer")]
    [InlineData("evaluator.conf", "evaluator")]
    [InlineData("cluster.conf", null)]
    public void A_file_for_one_host_needs_nothing_from_the_environment(string file, string? role)
    {
        var settings = NodeSettings.Load(Path.Combine(Root, "cluster-config", "one-host", file));
        var config = ClusterConfig.EffectiveConfig(settings);
        Assert.Equal("akka.tcp://tulu2@127.0.0.1:4053", $"{Assert.Single(SettingsCheck.Client(settings, config))}");
        if (role is not null) Assert.Equal([role], config.GetStringList("akka.cluster.roles"));
    }

    [Fact]
    public void Every_file_and_any_of_them_over_another_has_the_timings_of_machines_unless_it_is_for_one_host()
    {
        Environment.SetEnvironmentVariable("TULU2_HOST", "here");
        var folder = Path.Combine(Root, "cluster-config");
        string[] files = [.. Directory.EnumerateFiles(folder, "*.conf", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) is not ("base.conf" or "local.conf"))];
        Assert.InRange(files.Length, 5, 50);
        var (machines, host) = (Timings(ClusterConfig.BaseConfig()), Timings(ClusterConfig.LocalConfig()));
        foreach (var file in files)
            foreach (var over in files.Append(file))
            {
                string[] both = file == over ? [file] : [file, over];
                var text = string.Join('\n', both.Select(each => $"include \"{Path.GetRelativePath(folder, each)}\""));
                var config = ClusterConfig.EffectiveConfig(new NodeSettings(Path.Combine(folder, "mine.conf"), text));
                var ofOneHost = both.Any(each => Path.GetFileName(Path.GetDirectoryName(each)) == "one-host");
                Assert.Equal(ofOneHost ? host : machines, Timings(config));
            }
        Assert.Equal(host, Timings(ClusterConfig.EffectiveConfig(new NodeSettings("", ""))));
        Assert.True(ClusterConfig.BaseConfig().GetTimeSpan($"{Detector}.acceptable-heartbeat-pause") >= TimeSpan.FromSeconds(5));
        // What differs between the two is all that local.conf holds, and stands nowhere else.
        Assert.DoesNotContain(machines.Zip(host), pair => pair.First == pair.Second);
    }

    [Fact]
    public async Task What_is_logged_while_a_system_ends_does_not_reach_standard_output()
    {
        var setting = $"akka.stdout-logger-class = \"{ClusterConfig.BaseConfig().GetString("akka.stdout-logger-class")}\"";
        using var system = Akka.Actor.ActorSystem.Create("ends", Akka.Configuration.ConfigurationFactory.ParseString(setting));
        // The logger that Akka subscribes for as long as the end takes, whatever `stdout-loglevel` says.
        Assert.IsType<SilentLogger>(system.Settings.StdoutLogger);
        await system.Terminate();
    }

    private const string Detector = "akka.cluster.failure-detector";

    private static string[] Timings(Akka.Configuration.Config config) =>
    [
        .. new[]
        {
            $"{Detector}.heartbeat-interval", $"{Detector}.acceptable-heartbeat-pause", $"{Detector}.expected-response-after",
            "akka.cluster.gossip-interval", "akka.cluster.leader-actions-interval", "akka.cluster.unreachable-nodes-reaper-interval",
            "akka.cluster.split-brain-resolver.stable-after",
            "akka.cluster.seed-node-timeout", "akka.cluster.retry-unsuccessful-join-after", "akka.remote.retry-gate-closed-for",
        }.Select(key => $"{key} = {config.GetTimeSpan(key)}"),
    ];

    [Fact]
    public async Task What_no_node_could_work_with_is_refused_by_its_place()
    {
        var places = new NodeSettings("node.conf", "tulu2.node.places = many");
        Assert.Equal("node.conf: tulu2.node.places", Assert.Throws<Tulu2.Files.BadInputException>(() => places.RanksTaken(places.Read())).Where);
        var evaluators = new NodeSettings("node.conf", "tulu2.node.evaluators = -1");
        Assert.Equal("node.conf: tulu2.node.evaluators", Assert.Throws<Tulu2.Files.BadInputException>(() => evaluators.EvaluatorsStarted(evaluators.Read())).Where);
        var error = new StringWriter();
        var terminal = new Terminal(TextReader.Null, TextWriter.Null, error, false);
        Assert.Equal(ExitCode.BadInput, await TuluCommand.RunAsync(["node", "--config", Path.Combine(Root, "cluster-config", "trainer.conf"), "--roles", "trianer"], terminal));
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
        var commands = TuluCommand.Build(new Terminal(TextReader.Null, TextWriter.Null, TextWriter.Null, false));
        foreach (var (name, service) in services.Children)
        {
            string[] words = [.. ((YamlSequenceNode)service["command"]).Select(word => $"{word}")];
            Assert.Empty(commands.Parse(words).Errors);
            var config = words[Array.IndexOf(words, "--config") + 1];
            Assert.True(File.Exists(Path.Combine(Root, config["/app/".Length..])), $"{name}: there is no {config}");
            // Its certificates, made for the name by which it is known.
            Assert.Equal($"{name}", $"{service["environment"]["TULU2_HOST"]}");
            Assert.Equal(["shared:/shared", "./certificates/shared:/etc/tulu2/shared:ro", $"./certificates/nodes/{name}:/etc/tulu2/node:ro"],
                ((YamlSequenceNode)service["volumes"]).Select(volume => $"{volume}"));
            Assert.Contains($" {name}", File.ReadLines(Path.Combine(Root, "docker-compose.yml")).Single(line => line.Contains("cluster certificates", StringComparison.Ordinal)));
        }
        Assert.True(File.Exists(Path.Combine(Root, "Dockerfile")));
    }

    [Theory]
    [InlineData("recipes")]
    [InlineData("cluster-config")]
    public void What_a_publish_folder_starts_from_comes_along_with_it(string folder)
    {
        var project = System.Xml.Linq.XDocument.Load(Path.Combine(Root, "src", "Tulu2.Cli", "Tulu2.Cli.csproj"));
        var item = Assert.Single(project.Descendants("None"), item => $"{item.Attribute("LinkBase")?.Value}" == folder);
        Assert.Equal(($"../../{folder}/**", "PreserveNewest"), (item.Attribute("Include")!.Value, item.Attribute("CopyToPublishDirectory")!.Value));
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(Root, folder)));
    }

    [Fact]
    public void The_image_is_built_without_what_a_build_leaves_behind_and_with_all_that_a_publish_reads()
    {
        string[] ignored = [.. File.ReadAllLines(Path.Combine(Root, ".dockerignore")).Where(line => line.Length > 0 && !line.StartsWith('#'))];
        foreach (var left in new[] { "**/bin", "**/obj", "runs", ".git", ".cache", "certificates" }) Assert.Contains(left, ignored);
        foreach (var read in new[] { "src", "recipes", "cluster-config", "global.json", ".editorconfig", "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props" })
        {
            Assert.True(Path.Exists(Path.Combine(Root, read)), read);
            Assert.DoesNotContain(read, ignored);
        }
    }

    [SkippableFact]
    public void A_build_carries_the_natives_of_its_own_system_alone()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "the natives of Linux are looked at");
        var runtimes = Path.Combine(AppContext.BaseDirectory, "runtimes");
        string[] systems = [.. Directory.GetFiles(runtimes, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(runtimes, file).Split('/')[0]).Distinct()];
        Assert.Contains(System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier.Split('-')[^1] == "arm64" ? "linux-arm64" : "linux-x64", systems);
        Assert.Empty(systems.Except(["linux-x64", "linux-arm64", "linux", "unix"]));
    }
}
