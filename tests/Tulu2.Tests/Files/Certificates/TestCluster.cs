using Tulu2.Collectives.Network;
using Tulu2.Files.Certificates;

namespace Tulu2.Tests.Files.Certificates;

/// <summary>The certificates of a cluster, in a temporary folder, as `tulu2 cluster certificates` makes them.</summary>
internal sealed class TestCluster : IDisposable
{
    private readonly DirectoryInfo _path = Directory.CreateTempSubdirectory("tulu2-certificates-");

    public string Path => _path.FullName;

    public CertificateFolder Folder => CertificateFolder.Open(Path);

    public string Admitted => System.IO.Path.Combine(Path, "shared", "admitted");

    /// <summary>The files of a node, which are made where there are none.</summary>
    public IdentityFiles FilesOf(string name)
    {
        var folder = Folder.Add(name, days: 2, renew: false).Folder;
        return new IdentityFiles(System.IO.Path.Combine(folder, "node.crt"), System.IO.Path.Combine(folder, "node.key"), System.IO.Path.Combine(Folder.Shared, "authority.crt"), Admitted);
    }

    public ClusterIdentity Identity(string name) => ClusterIdentity.Load(FilesOf(name), key => key);

    public PeerIdentity Peer(string name)
    {
        var identity = Identity(name);
        return new PeerIdentity(identity.Own, identity.WhyRefused);
    }

    /// <summary>Settings of a node, as HOCON.</summary>
    public string Hocon(string name)
    {
        var files = FilesOf(name);
        return $$"""
            akka.remote.dot-netty.tcp.enable-ssl = on
            tulu2.tls { certificate = "{{files.Certificate}}", key = "{{files.Key}}", authority = "{{files.Authority}}", admitted = "{{files.Admitted}}" }

            """;
    }

    public void Dispose() => _path.Delete(recursive: true);
}
