using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Files;

public class FaultTextTests
{
    // How libraries speak: of parameters, types, places of their own.
    private static readonly Regex Foreign = new(@"\(Parameter '|LineNumber|BytePosition|Path: \$|System\.|Exception\b|Idx:|dictionary|HRESULT|0x8", RegexOptions.None);

    public static TheoryData<Action> Libraries => new()
    {
        () => JsonDocument.Parse("{\n1"),
        () => JsonSerializer.Deserialize<int[]>("{}"),
        () => new Dictionary<string, int> { ["a"] = 1 }.Add("a", 2),
        () => _ = new Dictionary<string, int>()["a"],
        () => ArgumentException.ThrowIfNullOrEmpty("", "values"),
        () => int.Parse("x"),
        () => Enumerable.Empty<int>().First(),
        () => File.ReadAllText("/no/such/file"),
        () => File.ReadAllText("/"),
        () => Directory.CreateDirectory("/dev/null/x"),
        () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp).Connect("127.0.0.1", 1),
        () => new FileStream(Path.GetTempFileName(), FileMode.CreateNew).Dispose(),
        () => new System.IO.Compression.GZipStream(new MemoryStream("no gzip at all"u8.ToArray()), System.IO.Compression.CompressionMode.Decompress).ReadByte(),
        () => Task.Run(() => int.Parse("x")).Wait(),
    };

    [Theory]
    [MemberData(nameof(Libraries))]
    public void A_librarys_text_never_comes_through(Action act)
    {
        var text = FaultText.Of(Assert.ThrowsAny<Exception>(act));
        Assert.DoesNotMatch(Foreign, text.Replace("(ArgumentException)", "").Replace("(FormatException)", "").Replace("(KeyNotFoundException)", "")
            .Replace("(ArgumentNullException)", "").Replace("(InvalidOperationException)", ""));
        Assert.False(text.EndsWith('.'), text);
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Nor_does_it_through_the_last_net_of_the_command_line(Action act)
    {
        var block = Tulu2.Runs.Output.ErrorReport.Of(Assert.ThrowsAny<Exception>(act), "the.log").Block;
        Assert.DoesNotMatch(new Regex(@"\(Parameter '|LineNumber|BytePosition|Path: \$|System\.|Idx:|HRESULT"), block);
        Assert.StartsWith("error: ", block);
    }

    [Fact]
    public async Task A_server_that_is_not_there_or_says_nothing_has_words()
    {
        using var client = new HttpClient();
        Assert.Equal("nobody listens there", FaultText.Of(await Assert.ThrowsAnyAsync<Exception>(() => client.GetAsync("http://127.0.0.1:1/"))));
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var closing = Task.Run(async () =>
        {
            // The question is read first: what is left unread would break the connection off. Without a word it would be asked again.
            using var peer = await listener.AcceptTcpClientAsync();
            _ = await peer.GetStream().ReadAsync(new byte[4096]);
            await peer.GetStream().WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab"u8.ToArray());
        });
        var fault = await Assert.ThrowsAnyAsync<Exception>(() => client.GetAsync($"http://{listener.LocalEndpoint}/"));
        await closing;
        Assert.Equal("the connection ended before the answer did", FaultText.Of(fault));
    }

    [Fact]
    public void Our_own_text_does()
    {
        Assert.Equal("slot 3 is lost", FaultText.Of(Assert.ThrowsAny<Exception>((Action)(() => throw new InvalidOperationException("slot 3 is lost")))));
        Assert.Equal("made here", FaultText.Of(new ArithmeticException("made here")));
        Assert.Equal("a: b", FaultText.Of(new AggregateException(new BadInputException("a", "b", "c"))));
    }

    [Fact]
    public void No_complaint_to_the_user_is_made_of_another_exceptions_message()
    {
        var found = Checkout.Sources("src")
            .SelectMany(file => Regex.Matches(File.ReadAllText(file), @"(BadInputException|Broken|Unsupported|Fault)\([^;]*?\{?\b(fault|failure|error|failed|end|cause)\.Message\b[^;]*;").Select(match => $"{Path.GetFileName(file)}: {match.Value}"));
        Assert.Empty(found);
    }
}
