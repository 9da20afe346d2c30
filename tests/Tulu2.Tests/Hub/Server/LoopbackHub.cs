using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Tulu2.Tests.Hub.Server;

/// <summary>
/// A hub on loopback, with a second address for the content of large files. One request a connection; a fault for each that is asked to have one.
/// </summary>
internal sealed class LoopbackHub : IDisposable
{
    private readonly TcpListener _hub = new(IPAddress.Loopback, 0), _content = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();

    public LoopbackHub()
    {
        foreach (var (listener, isContent) in new[] { (_hub, false), (_content, true) })
        {
            listener.Start(backlog: 256);
            _ = Task.Run(() => AcceptAsync(listener, isContent));
        }
    }

    public string Endpoint => $"http://127.0.0.1:{((IPEndPoint)_hub.LocalEndpoint).Port}";

    public string ContentAddress => $"http://127.0.0.1:{((IPEndPoint)_content.LocalEndpoint).Port}";

    /// <summary>By <c>models/ORG/NAME@COMMIT</c> or <c>datasets/...</c>.</summary>
    public ConcurrentDictionary<string, Dictionary<string, HubFile>> Commits { get; } = [];

    /// <summary>Commits by <c>models/ORG/NAME@REVISION</c>.</summary>
    public ConcurrentDictionary<string, string> Revisions { get; } = [];

    /// <summary>The fault of a request; null: none.</summary>
    public Func<HubRequest, Fault?> FaultOf { get; set; } = _ => null;

    public ConcurrentQueue<HubRequest> Requests { get; } = [];

    public void Put(string repository, string commit, Dictionary<string, HubFile> files, string revision = "main")
    {
        Commits[$"{repository}@{commit}"] = files;
        Revisions[$"{repository}@{revision}"] = commit;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _hub.Stop();
        _content.Stop();
    }

    private async Task AcceptAsync(TcpListener listener, bool isContent)
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(_stop.Token);
                _ = Task.Run(() => ServeAsync(client, isContent));
            }
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client, bool isContent)
    {
        using var _ = client;
        try
        {
            var stream = client.GetStream();
            if (await ReadAsync(stream, isContent) is not { } request) return;
            Requests.Enqueue(request);
            await AnswerAsync(client, stream, request, FaultOf(request));
        }
        catch (Exception gone) when (gone is IOException or SocketException or OperationCanceledException)
        {
            // The other end has closed it.
        }
    }

    private static async Task<HubRequest?> ReadAsync(NetworkStream stream, bool isContent)
    {
        using var reader = new StreamReader(stream, Encoding.ASCII, false, 1024, leaveOpen: true);
        if (await reader.ReadLineAsync() is not { } first) return null;
        var headers = new Dictionary<string, string>();
        while (await reader.ReadLineAsync() is { Length: > 0 } line) headers[line.Split(':', 2)[0].ToLowerInvariant()] = line.Split(':', 2)[1].Trim();
        var words = first.Split(' ');
        return new HubRequest(words[0], words[1], isContent, headers);
    }

    private async Task AnswerAsync(TcpClient client, NetworkStream stream, HubRequest request, Fault? fault)
    {
        switch (fault)
        {
            case Fault.NoAnswer:
                client.LingerState = new LingerOption(true, 0);
                return;
            case Fault.Status status:
                await WriteAsync(stream, status.Code, status.Header, Encoding.UTF8.GetBytes(status.Body), request, null);
                return;
            case Fault.Page:
                await WriteAsync(stream, 200, "Content-Type: text/html", "<html>Sign in to this network</html>"u8.ToArray(), request, null);
                return;
        }
        if (request.IsContent) await ContentAsync(client, stream, request, Large(request.Path), "", fault);
        else await HubAsync(client, stream, request, fault);
    }

    private async Task HubAsync(TcpClient client, NetworkStream stream, HubRequest request, Fault? fault)
    {
        var path = Uri.UnescapeDataString(request.Path.Split('?')[0]).TrimStart('/');
        if (path.StartsWith("api/", StringComparison.Ordinal))
        {
            var (repository, revision) = Split(path["api/".Length..], "/revision/");
            if (Find(repository, revision) is not var (commit, files)) await MissingAsync(stream, request, repository);
            else
                await SendAsync(client, stream, request, 200, "Content-Type: application/json", JsonSerializer.SerializeToUtf8Bytes(new
                {
                    sha = commit,
                    siblings = files.Keys.Select(name => new { rfilename = name }),
                }), fault);
            return;
        }
        var (owner, rest) = Split(path, "/resolve/");
        if (!owner.StartsWith("datasets/", StringComparison.Ordinal)) owner = $"models/{owner}";
        var (asked, name) = Split(rest, "/");
        if (Find(owner, asked) is not var (known, all)) await MissingAsync(stream, request, owner);
        else if (all.GetValueOrDefault(name) is not { } file) await WriteAsync(stream, 404, "X-Error-Code: EntryNotFound", [], request, null);
        else if (file.IsLarge)
            await WriteAsync(stream, 302, $"X-Repo-Commit: {known}\r\nX-Linked-Etag: \"{file.Etag}\"\r\nX-Linked-Size: {file.Content.Length}\r\n"
                + $"Location: {ContentAddress}/{file.Etag}?signature=1", [], request, null);
        else await ContentAsync(client, stream, request, file, $"X-Repo-Commit: {known}\r\nETag: \"{file.Etag}\"", fault);
    }

    private Task MissingAsync(NetworkStream stream, HubRequest request, string repository) => WriteAsync(stream, 404,
        $"X-Error-Code: {(Revisions.Keys.Any(key => key.StartsWith(repository + "@", StringComparison.Ordinal)) ? "RevisionNotFound" : "RepoNotFound")}", [],
            request, null);

    private (string Commit, Dictionary<string, HubFile> Files)? Find(string repository, string revision)
    {
        var commit = Revisions.GetValueOrDefault($"{repository}@{revision}") ?? revision;
        return Commits.TryGetValue($"{repository}@{commit}", out var files) ? (commit, files) : null;
    }

    private HubFile Large(string path) => Commits.Values.SelectMany(files => files.Values).First(file =>
        path.StartsWith($"/{file.Etag}?", StringComparison.Ordinal));

    private Task ContentAsync(TcpClient client, NetworkStream stream, HubRequest request, HubFile file, string headers, Fault? fault)
    {
        if (fault is Fault.NoRange || request.Range is not var (from, to)) return SendAsync(client, stream, request, 200, headers, file.Content, fault);
        if (from >= file.Content.Length) return WriteAsync(stream, 416, headers, [], request, null);
        if (fault is Fault.OtherRange) (from, to) = (Math.Max(0, from - 1), Math.Max(1, to - 1));
        to = Math.Min(to, file.Content.Length);
        var range = string.Create(CultureInfo.InvariantCulture, $"Content-Range: bytes {from}-{to - 1}/{file.Content.Length}");
        return SendAsync(client, stream, request, 206, headers == "" ? range : $"{headers}\r\n{range}", file.Content[(int)from..(int)to], fault);
    }

    // The faults of content: it is broken off, changed, of another length, or stands still.
    private async Task SendAsync(TcpClient client, NetworkStream stream, HubRequest request, int status, string headers, byte[] content, Fault? fault)
    {
        var length = content.Length;
        switch (fault)
        {
            case Fault.Break broken:
                await WriteAsync(stream, status, headers, content[..Math.Min(broken.After, length)], request, length);
                client.LingerState = new LingerOption(true, 0);
                return;
            case Fault.Stall stalled:
                await WriteAsync(stream, status, headers, content[..Math.Min(stalled.After, length)], request, length);
                await Task.Delay(Timeout.Infinite, _stop.Token);
                return;
            case Fault.Corrupt corrupt when length > 0:
                content = [.. content];
                content[corrupt.At % length] ^= 0x20;
                break;
            case Fault.WrongLength wrong:
                length = Math.Max(0, length + wrong.Difference);
                break;
        }
        await WriteAsync(stream, status, headers, content, request, length);
    }

    private static async Task WriteAsync(NetworkStream stream, int status, string headers, byte[] content, HubRequest request, int? length)
    {
        var head = $"HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length ?? content.Length}\r\n{(headers == "" ? "" : headers + "\r\n")}\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head));
        if (request.Method != "HEAD") await stream.WriteAsync(content);
        await stream.FlushAsync();
    }

    private static (string Before, string Behind) Split(string text, string at) => text.Split(at, 2) is [var before, var behind] ? (before, behind)
        : (text, "");
}
