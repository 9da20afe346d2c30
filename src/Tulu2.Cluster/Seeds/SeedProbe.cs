using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Tulu2.Cluster.Configuration;

namespace Tulu2.Cluster.Seeds;

/// <summary>Result of probing the address of a seed node.</summary>
internal enum SeedFinding
{
    NoSuchName,
    NothingListens,
    NoAnswer,

    /// <summary>A node listens.</summary>
    Listens,

    // From here on waiting is useless.
    WantsTls,
    HasNoTls,
    IsForeign,
    RefusesOurs,
}

/// <summary>Probes a seed node: the transport reports only that it could not connect.</summary>
internal static class SeedProbe
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    // A node that accepts a certificate waits for the first message; one that refuses it disconnects.
    private static readonly TimeSpan RefusalPatience = TimeSpan.FromSeconds(1);

    /// <summary>Probes all of them concurrently.</summary>
    public static Task<(Address Seed, SeedFinding Finding)[]> AllAsync(IEnumerable<Address> seeds, ClusterCertificates? certificates, CancellationToken cancellation) =>
        Task.WhenAll(seeds.Select(async seed => (seed, await AskAsync(seed.Host!, seed.Port!.Value, certificates, cancellation).ConfigureAwait(false))));

    public static async Task<SeedFinding> AskAsync(string host, int port, ClusterCertificates? certificates, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(host, port, patience.Token).ConfigureAwait(false);
        }
        catch (SocketException error)
        {
            return error.SocketErrorCode switch
            {
                SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => SeedFinding.NoSuchName,
                SocketError.ConnectionRefused => SeedFinding.NothingListens,
                _ => SeedFinding.NoAnswer,
            };
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return SeedFinding.NoAnswer;
        }
        return await ShakeHandsAsync(client, host, certificates, patience.Token, cancellation).ConfigureAwait(false);
    }

    private static async Task<SeedFinding> ShakeHandsAsync(
        TcpClient client, string host, ClusterCertificates? certificates, CancellationToken patience, CancellationToken cancellation)
    {
        X509Certificate2? shown = null;
        // Any certificate is accepted here, to see it. Nothing is sent over the connection.
        using var stream = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, (_, certificate, _, _) =>
        {
            shown = certificate is null ? null : X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
            return true;
        });
        try
        {
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = host,
                ClientCertificates = certificates is null ? null : [certificates.Own],
            }, patience).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or System.Security.Authentication.AuthenticationException or System.ComponentModel.Win32Exception)
        {
            // It disconnected: before it presented a certificate because it has no TLS, afterwards because it refuses ours.
            if (shown is null) return certificates is null ? SeedFinding.Listens : SeedFinding.HasNoTls;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            if (shown is null) return certificates is null ? SeedFinding.Listens : SeedFinding.NoAnswer;
        }
        using var certificate = shown;
        if (certificates is null) return SeedFinding.WantsTls;
        if (shown is null || !certificates.IsOurs(shown)) return SeedFinding.IsForeign;
        return stream.IsAuthenticated && await StaysAsync(stream, cancellation).ConfigureAwait(false) ? SeedFinding.Listens : SeedFinding.RefusesOurs;
    }

    private static async Task<bool> StaysAsync(SslStream stream, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(RefusalPatience);
        try
        {
            return await stream.ReadAsync(new byte[1], patience.Token).ConfigureAwait(false) > 0;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
