using System.Net.Http.Headers;
using System.Reflection;
using Tulu2.Hub.Settings;

namespace Tulu2.Hub.Http;

/// <summary>
/// Sends requests to the hub and to where it leads. Redirects are followed here, so that the token goes to the hub's own address only: the addresses of content
/// are signed, and belong to others.
/// </summary>
internal sealed class HubHttp : IDisposable
{
    private const int MostRedirects = 10;

    private readonly HubSettings _settings;
    private readonly HubTiming _timing;
    private readonly HttpClient _client;
    private readonly Uri _hub;

    public HubHttp(HubSettings settings, HubTiming timing)
    {
        (_settings, _timing, _hub) = (settings, timing, new Uri(settings.Endpoint));
        _client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = settings.Patience,
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("tulu2", Assembly.GetExecutingAssembly().GetName().Version?.ToString(3) ?? "0"));
        // The sizes and ranges of compressed content would be others.
        _client.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
    }

    public Uri Address(string path) => new($"{_settings.Endpoint}/{path}");

    public bool IsHub(Uri address) => address.Scheme == _hub.Scheme && address.Authority == _hub.Authority;

    public HubAnswer Read(HttpResponseMessage response) => HubAnswer.Of(response, IsHub(response.RequestMessage!.RequestUri!), _timing.Clock.GetUtcNow());

    /// <summary>Sends a request and follows redirects; the answer's content is not read yet.</summary>
    /// <param name="range">Bytes that are wanted, the second bound exclusive; null: all.</param>
    /// <param name="isEnd">Whether a redirect is the answer itself; null: none is.</param>
    /// <exception cref="HttpRequestException">There is no connection, or the redirects lead nowhere.</exception>
    /// <exception cref="TimeoutException">There is no answer.</exception>
    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, Uri address, (long From, long To)? range, Func<HttpResponseMessage, bool>? isEnd, CancellationToken cancellation)
    {
        for (var hop = 0; hop <= MostRedirects; hop++)
        {
            var response = await SendOnceAsync(method, address, range, cancellation);
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || isEnd?.Invoke(response) == true) return response;
            using (response)
            {
                if (response.Headers.Location is not { } location) throw new HttpRequestException("a redirect without an address");
                var next = new Uri(address, location);
                var isSecure = next.Scheme == "https" || (next.Scheme == "http" && address.Scheme != "https");
                address = isSecure ? next : throw new HttpRequestException("a redirect to an address that is not secure");
            }
        }
        throw new HttpRequestException("the redirects go round in a circle");
    }

    /// <summary>Reads into a buffer.</summary>
    /// <returns>Bytes; 0 at the end of the content.</returns>
    /// <exception cref="TimeoutException">Nothing comes.</exception>
    public Task<int> ReadAsync(Stream content, Memory<byte> buffer, CancellationToken cancellation) =>
        WithPatienceAsync(token => content.ReadAsync(buffer, token).AsTask(), cancellation);

    public void Dispose() => _client.Dispose();

    private async Task<HttpResponseMessage> SendOnceAsync(HttpMethod method, Uri address, (long From, long To)? range, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, address);
        if (range is var (from, to)) request.Headers.Range = new RangeHeaderValue(from, to - 1);
        if (_settings.Token is { } token && IsHub(address)) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        var response = await WithPatienceAsync(stop => _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop), cancellation);
        // A proxy may have rewritten it; what is asked of it later is the address that was meant.
        response.RequestMessage ??= request;
        return response;
    }

    private async Task<T> WithPatienceAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(_settings.Patience, _timing.Clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            return await work(both.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new TimeoutException();
        }
    }
}
