using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Tulu2.Cluster.Hosting;
using Tulu2.Files;
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

        // It would take anybody itself: it is the others that refuse it.
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(4));
        // Whether its patience ends first or its own node gives up.
        await Assert.ThrowsAnyAsync<Exception>(() => ActorHost.StartAsync(Settings("rogue", theirs, ours, first.Address), patience.Token));
        Assert.DoesNotContain(Akka.Cluster.Cluster.Get(first.System).State.Members, member => member.Status == Akka.Cluster.MemberStatus.Joining);
    }

    [Fact]
    public async Task A_certificate_that_is_not_there_is_the_users_to_mend()
    {
        var settings = new NodeSettings("node.conf", "akka.remote.dot-netty.tcp.enable-ssl = on\ntulu2.tls { certificate = \"/no/such.crt\", key = \"/no/such.key\", authority = \"/no/such.ca\" }");
        var bad = await Assert.ThrowsAsync<BadInputException>(() => ActorHost.StartAsync(settings, CancellationToken.None));
        Assert.Contains("node.conf: tulu2.tls", bad.Message, StringComparison.Ordinal);
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

    private static X509Certificate2 Authority(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-2), DateTimeOffset.UtcNow.AddHours(2));
    }
}
