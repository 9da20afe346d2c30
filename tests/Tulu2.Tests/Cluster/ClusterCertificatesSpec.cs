using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Tulu2.Cluster.Clients;
using Tulu2.Cluster.Configuration;
using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Seeds;
using Tulu2.Files;
using Tulu2.Tests.Files.Certificates;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>Real handshakes between nodes of this process, with certificates made here.</summary>
public sealed class ClusterCertificatesSpec : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tulu2-tls-");

    [Fact]
    public async Task A_node_with_a_certificate_of_the_cluster_joins_and_one_of_another_authority_does_not()
    {
        using var ours = Authority("ours");
        using var theirs = Authority("theirs");
        await using var first = await ActorHost.StartAsync(Settings("first", ours, ours), CancellationToken.None);
        Assert.StartsWith("akka.ssl.tcp://", first.Address, StringComparison.Ordinal);

        await using (var second = await ActorHost.StartAsync(Settings("second", ours, ours, first.Address), CancellationToken.None))
            Assert.Equal(2, Akka.Cluster.Cluster.Get(second.System).State.Members.Count);

        // One that its own authority would not take is not even started.
        var liar = await Assert.ThrowsAsync<BadInputException>(() => ActorHost.StartAsync(Settings("liar", theirs, ours, first.Address), CancellationToken.None));
        Assert.Contains("was not signed by", liar.What);
        var rogue = await Assert.ThrowsAsync<BadInputException>(() => ActorHost.StartAsync(Settings("rogue", theirs, theirs, first.Address), CancellationToken.None));
        Assert.Equal("rogue: tulu2.tls.authority", rogue.Where);
        Assert.Contains("shows a certificate of another authority", rogue.What);
        Assert.DoesNotContain(Akka.Cluster.Cluster.Get(first.System).State.Members, member => member.Status == Akka.Cluster.MemberStatus.Joining);
    }

    [Fact]
    public async Task What_listens_where_a_seed_node_should_be_is_told_apart()
    {
        using var ours = Authority("ours");
        using var theirs = Authority("theirs");
        await using var tls = await ActorHost.StartAsync(Settings("tls", ours, ours), CancellationToken.None);
        await using var plain = await ActorHost.StartAsync(new NodeSettings("plain", "akka.cluster.roles = [coordinator]"), CancellationToken.None);
        var (mine, foreign) = (Certificates("mine", ours), Certificates("foreign", theirs));
        Task<SeedFinding> Ask(ActorHost host, ClusterCertificates? certificates) =>
            SeedProbe.AskAsync("127.0.0.1", Akka.Actor.Address.Parse(host.Address).Port!.Value, certificates, CancellationToken.None);

        Assert.Equal(SeedFinding.Listens, await Ask(plain, null));
        Assert.Equal(SeedFinding.Listens, await Ask(tls, mine));
        Assert.Equal(SeedFinding.WantsTls, await Ask(tls, null));
        Assert.Equal(SeedFinding.HasNoTls, await Ask(plain, mine));
        Assert.Equal(SeedFinding.IsForeign, await Ask(tls, foreign));
        Assert.Equal(SeedFinding.NothingListens, await SeedProbe.AskAsync("127.0.0.1", 1, null, CancellationToken.None));
        Assert.Equal(SeedFinding.NoSuchName, await SeedProbe.AskAsync("no-such-host.invalid", 1, null, CancellationToken.None));
    }

    [Fact]
    public async Task A_client_comes_to_a_cluster_with_TLS_and_is_told_where_it_has_none()
    {
        using var ours = Authority("ours");
        await using var node = await ActorHost.StartAsync(Settings("node", ours, ours) with { Service = new NoService() }, CancellationToken.None);
        await using (var client = ClusterClient.Start(Settings("client", ours, ours, node.Address)))
            Assert.Equal(node.Address, Assert.Single((await client.LookAsync(TimeSpan.FromSeconds(60), null, CancellationToken.None))!.Nodes).Address);
        await using var plain = ClusterClient.Start(new NodeSettings("plain.conf", $"akka.cluster.seed-nodes = [\"{node.Address.Replace("ssl.", "", StringComparison.Ordinal)}\"]"));
        var bad = await Assert.ThrowsAsync<BadInputException>(() => plain.WhyAsync(CancellationToken.None));
        Assert.Equal("plain.conf: akka.remote.dot-netty.tcp.enable-ssl", bad.Where);
        Assert.Contains("wants TLS, which is off here", bad.What);
    }

    [Fact]
    public async Task A_certificate_that_is_not_there_is_the_users_to_correct()
    {
        var settings = new NodeSettings("node.conf", "akka.remote.dot-netty.tcp.enable-ssl = on\ntulu2.tls { certificate = \"/no/such.crt\", key = \"/no/such.key\", authority = \"/no/such.ca\" }");
        var bad = await Assert.ThrowsAsync<BadInputException>(() => ActorHost.StartAsync(settings, CancellationToken.None));
        Assert.Contains("node.conf: tulu2.tls", bad.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Certificates_of_the_command_let_a_node_in_until_its_line_is_removed()
    {
        using var cluster = new TestCluster();
        NodeSettings Of(string name, string? seed = null) => new(name, $"{cluster.Hocon(name)}{(seed is null ? "" : $"akka.cluster.seed-nodes = [\"{seed}\"]")}");
        await using var first = await ActorHost.StartAsync(Of("first"), CancellationToken.None);
        await using (var second = await ActorHost.StartAsync(Of("second", first.Address), CancellationToken.None))
            Assert.Equal(2, Akka.Cluster.Cluster.Get(second.System).State.Members.Count);

        // Its own list is another copy, so that it is not refused by itself.
        var later = Of("second", first.Address);
        var copy = $"{cluster.Admitted}-copy";
        File.Copy(cluster.Admitted, copy);
        var files = cluster.FilesOf("second");
        var (certificate, key) = (File.ReadAllText(files.Certificate), File.ReadAllText(files.Key));
        cluster.Folder.Remove("second");
        Directory.CreateDirectory(Path.GetDirectoryName(files.Certificate)!);
        File.WriteAllText(files.Certificate, certificate);
        File.WriteAllText(files.Key, key);
        later = later with { Text = later.Text.Replace($"\"{cluster.Admitted}\"", $"\"{copy}\"", StringComparison.Ordinal) };
        var refused = await Assert.ThrowsAsync<BadInputException>(() => ActorHost.StartAsync(later, CancellationToken.None));
        Assert.Contains("refuses this certificate", refused.What);
        Assert.Equal("second: tulu2.tls.certificate", refused.Where);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private NodeSettings Settings(string name, X509Certificate2 signer, X509Certificate2 trusted, string? seed = null)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.Create(signer, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(8));
        string File(string kind, string pem)
        {
            var path = Path.Combine(_folder.FullName, $"{name}.{kind}");
            System.IO.File.WriteAllText(path, pem);
            return path;
        }
        return new NodeSettings(name, $$"""
            akka.remote.dot-netty.tcp.enable-ssl = on
            {{(seed is null ? "" : $"akka.cluster.seed-nodes = [\"{seed}\"]")}}
            tulu2.tls {
              certificate = "{{File("crt", certificate.ExportCertificatePem())}}"
              key = "{{File("key", key.ExportPkcs8PrivateKeyPem())}}"
              authority = "{{File("ca", trusted.ExportCertificatePem())}}"
            }
            """);
    }

    private ClusterCertificates Certificates(string name, X509Certificate2 signer)
    {
        var settings = Settings(name, signer, signer);
        return ClusterCertificates.Load(settings, settings.Read().WithFallback(ClusterConfig.LocalConfig()))!;
    }

    private sealed class NoService : Tulu2.Cluster.Submissions.IRunService
    {
        public Task<int> RunAsync(Tulu2.Cluster.Messages.Submission submission, Action<bool, string> say, CancellationToken cancellation) => Task.FromResult(1);

        public void Scale(Tulu2.Cluster.Messages.Submission submission, int data) { }
    }

    private static X509Certificate2 Authority(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-2), DateTimeOffset.UtcNow.AddHours(2));
    }
}
