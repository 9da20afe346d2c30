using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Tulu2.Files;
using Tulu2.Files.Certificates;
using Xunit;

namespace Tulu2.Tests.Files.Certificates;

/// <summary>The certificates of a cluster: who has one is taken, and nobody else.</summary>
public sealed class CertificateFolderTests : IDisposable
{
    private readonly TestCluster _cluster = new();

    [Fact]
    public void Nodes_that_are_added_later_have_the_same_authority_and_know_the_first()
    {
        var first = _cluster.Identity("one");
        var authority = File.ReadAllText(Path.Combine(_cluster.Folder.Shared, "authority.crt"));
        var second = _cluster.Identity("10.0.0.2");
        Assert.Equal(authority, File.ReadAllText(Path.Combine(_cluster.Folder.Shared, "authority.crt")));
        Assert.Null(first.WhyRefused(second.Own));
        Assert.Null(second.WhyRefused(first.Own));
        Assert.Equal("CN=10.0.0.2", second.Own.Subject);
    }

    [Fact]
    public void Only_their_owner_reads_the_files()
    {
        _ = _cluster.FilesOf("one");
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        if (OperatingSystem.IsWindows()) return;
        string[] files = [.. Directory.EnumerateFiles(_cluster.Path, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })];
        Assert.Equal(5, files.Length);
        foreach (var path in files) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        foreach (var folder in Directory.EnumerateDirectories(_cluster.Path, "*", SearchOption.AllDirectories).Append(_cluster.Path))
            Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(folder) & others);
    }

    [Fact]
    public void A_renewed_certificate_and_the_one_before_are_both_taken_and_a_removed_node_has_neither()
    {
        var other = _cluster.Identity("other");
        var old = _cluster.Identity("one");
        Assert.Equal(CertificateAct.Kept, _cluster.Folder.Add("one", 2, renew: false).Act);
        Assert.Equal(CertificateAct.Renewed, _cluster.Folder.Add("one", 2, renew: true).Act);
        var renewed = _cluster.Identity("one");
        Assert.NotEqual(old.Own.Thumbprint, renewed.Own.Thumbprint);
        Assert.Null(other.WhyRefused(old.Own));
        Assert.Null(other.WhyRefused(renewed.Own));

        Assert.Equal(2, _cluster.Folder.Remove("one"));
        Assert.Contains("does not list its certificate (CN=one, ", other.WhyRefused(old.Own));
        Assert.NotNull(other.WhyRefused(renewed.Own));
        Assert.Null(other.WhyRefused(other.Own));
        Assert.Throws<BadInputException>(() => _cluster.Folder.Remove("one"));
    }

    [Fact]
    public void Whoever_is_not_of_this_cluster_is_refused_with_the_reason()
    {
        using var theirs = new TestCluster();
        var own = _cluster.Identity("one");
        Assert.Contains("no certificate", own.WhyRefused(null));
        Assert.Contains("another authority (CN=one)", own.WhyRefused(theirs.Identity("one").Own));
        using var authority = X509Certificate2.CreateFromPemFile(Path.Combine(_cluster.Path, "shared", "authority.crt"), Path.Combine(_cluster.Path, "authority.key"));
        // Signed, but on no list.
        using var unlisted = CertificateIssuer.NewNode(authority, "two", 1);
        Assert.Contains("does not list", own.WhyRefused(unlisted));
        File.Delete(_cluster.Admitted);
        Assert.Contains("cannot be read", own.WhyRefused(own.Own));
    }

    [Fact]
    public void Without_a_list_every_certificate_of_the_authority_is_taken_until_its_time_is_over()
    {
        var own = ClusterIdentity.Load(_cluster.FilesOf("one") with { Admitted = null }, key => key);
        using var authority = X509Certificate2.CreateFromPemFile(Path.Combine(_cluster.Path, "shared", "authority.crt"), Path.Combine(_cluster.Path, "authority.key"));
        using var unlisted = CertificateIssuer.NewNode(authority, "two", 1);
        Assert.Null(own.WhyRefused(unlisted));
        using var over = CertificateIssuer.NewNode(authority, "two", 0);
        Assert.Contains("that is valid from", own.WhyRefused(over));
        // Whoever has a node's key signs nobody in.
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var (from, until) = (DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        using var imposter = new CertificateRequest("CN=three", key, HashAlgorithmName.SHA256).Create(own.Own.SubjectName, X509SignatureGenerator.CreateForECDsa(own.Own.GetECDsaPrivateKey()!), from, until, [1]);
        Assert.Contains("another authority", own.WhyRefused(imposter));
    }

    [Fact]
    public void A_node_that_was_taken_off_the_list_is_told_so_when_it_starts()
    {
        var files = _cluster.FilesOf("one");
        File.WriteAllText(_cluster.Admitted, "# nobody\n");
        var bad = Assert.Throws<BadInputException>(() => ClusterIdentity.Load(files, key => $"node.conf: tulu2.tls.{key}"));
        Assert.Equal("node.conf: tulu2.tls.admitted", bad.Where);
        Assert.Contains("does not list", bad.What);
    }

    [Fact]
    public void Files_that_an_interruption_has_torn_apart_are_made_anew_and_an_authority_is_not()
    {
        var files = _cluster.FilesOf("one");
        File.Delete(files.Key);
        Assert.Equal(CertificateAct.Made, _cluster.Folder.Add("one", 2, renew: false).Act);
        File.Delete(Path.Combine(_cluster.Path, "authority.key"));
        Assert.Contains("has no whole authority", Assert.Throws<BadInputException>(() => _cluster.Folder).What);
    }

    public void Dispose() => _cluster.Dispose();
}
