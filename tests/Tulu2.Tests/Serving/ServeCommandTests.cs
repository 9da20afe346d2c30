using System.Net;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text.Json;
using Tulu2.Cli;
using Tulu2.Cli.Shell;
using Xunit;

namespace Tulu2.Tests.Serving;

public class ServeCommandTests
{
    [Theory]
    [InlineData("--host 0.0.0.0", "--api-key-file")]
    [InlineData("--host 192.0.2.1", "--no-api-key")]
    [InlineData("--host no.such.host.invalid", "IP address")]
    [InlineData("--port 70000", "65535")]
    [InlineData("--api-key-file /no/such/file", "one key a line")]
    [InlineData("--max-running 0", "1 or more")]
    public async Task What_cannot_be_served_is_refused_before_the_model_is_read(string arguments, string fix)
    {
        using StringWriter output = new(), errors = new();
        var terminal = new Terminal(TextReader.Null, output, errors, isInteractive: false);
        var code = await TuluCommand.RunAsync(["serve", "--model", "/no/such/model", .. arguments.Split(' ')], terminal);
        Assert.Equal((2, true), (code, errors.ToString().Contains(fix)));
    }

    [SkippableTheory]
    [InlineData(PosixSignal.SIGINT, 130)]
    [InlineData(PosixSignal.SIGTERM, 143)]
    public async Task A_model_is_served_until_a_signal_comes(PosixSignal signal, int expected)
    {
        var model = ReferenceData.Require("tinystories656K_hf");
        using var interrupt = new Interrupt(TimeProvider.System, _ => { });
        using StringWriter text = new(), errors = new();
        using var output = TextWriter.Synchronized(text);
        var terminal = new Terminal(TextReader.Null, output, TextWriter.Synchronized(errors), isInteractive: false);
        var command = Task.Run(() => TuluCommand.RunAsync(["serve", "--model", model, "--port", "0", "--json", "--threads", "1"], terminal, interrupt));
        await ServedFake.UntilAsync(() => command.IsCompleted || LineOf(text, output).EndsWith('\n'), "the server is ready");
        Assert.False(command.IsCompleted, errors.ToString());
        var ready = JsonDocument.Parse(LineOf(text, output)).RootElement;
        Assert.Equal("tinystories656K_hf", ready.GetProperty("model").GetString());
        using var client = new HttpClient { BaseAddress = new Uri(ready.GetProperty("url").GetString()!) };
        // The path of the model is a name of it too, as scripts for vLLM use it.
        using var response = await client.PostAsJsonAsync("/v1/completions", new { model, prompt = "Once upon a time", temperature = 0, max_tokens = 5 });
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.StartsWith(", a little", answer.GetProperty("choices")[0].GetProperty("text").GetString());
        interrupt.Hear(signal);
        Assert.Equal(expected, await command.WaitAsync(ServedFake.Deadline));
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync("/health"));
    }

    // The writer's own lock.
    private static string LineOf(StringWriter text, TextWriter output)
    {
        lock (output) return text.ToString();
    }
}
