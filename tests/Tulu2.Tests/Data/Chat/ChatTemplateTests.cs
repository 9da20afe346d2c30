using System.Diagnostics;
using System.Text.Json;
using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Tokenizers.Learning;
using Tulu2.Tests.Data.Tokenizers;
using Xunit;

namespace Tulu2.Tests.Data.Chat;

public sealed class ChatTemplateTests
{
    private const string Script = """
        import json, sys
        from jinja2.sandbox import ImmutableSandboxedEnvironment
        given = json.load(sys.stdin)
        for trim in (True, False):
            template = ImmutableSandboxedEnvironment(trim_blocks=trim, lstrip_blocks=trim).from_string(given["template"])
            print(json.dumps([template.render(bos_token="<s>", eos_token="</s>", **case) for case in given["cases"]]))
        """;

    private static readonly Message[][] Dialogues =
    [
        [new("user", "Hi there"), new("assistant", "Hello!")],
        [new("user", " Hi there\n"), new("assistant", "\n Hello! "), new("user", "Bye"), new("assistant", "Ciao")],
        [new("system", "Be brief."), new("user", "Hi"), new("assistant", "Hello!"), new("user", "Bye\n\nor not\t")],
        [new("system", ""), new("user", "{{ bos_token }} \"quoted\" \\n 'x' <|assistant|>"), new("assistant", "")],
        [new("assistant", "I begin."), new("assistant", "And go on."), new("user", "  ")],
        [new("user", "世界 \u00a0\u3000"), new("assistant", "🦙")],
        [],
    ];

    /// <summary>Whatever changes this text changes what other programs feed to exported models.</summary>
    [Fact]
    public void The_template_is_what_it_was_when_it_was_last_rendered_by_two_independent_renderers() => Assert.Equal(
        "{% for message in messages %}{% if message['role'] not in ['system', 'user', 'assistant'] %}"
        + "{{ raise_exception('a turn is of system, user or assistant, not of ' + message['role']) }}{% endif %}{% set content = message['content'] | trim %}"
        + "{% if message['role'] == 'assistant' %}{{ '<|assistant|>\\n' + content + eos_token }}{% if not loop.last or add_generation_prompt %}{{ '\\n' }}{% endif %}"
        + "{% elif loop.last and not add_generation_prompt %}{{ ('<|' + message['role'] + '|>\\n' + content) | trim }}"
        + "{% else %}{{ '<|' + message['role'] + '|>\\n' + content + '\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}",
        ChatTemplate.Jinja);

    [SkippableFact]
    public void Jinja_renders_the_text_that_is_trained_on_and_the_prompt_that_is_answered()
    {
        var tokenizer = SentencePieceTrainer.Train(Corpus.Texts(200, seed: 6), new() { VocabularySize = 400 }).Tokenizer;
        var encoder = new ChatEncoder(ChatTokenizer.Of(tokenizer), ChatForm.Default, 1000);
        string Text(int[] ids) => tokenizer.Decode(ids.Skip(1), stripBoundary: true, keepSpecial: true);
        string[] expected = [.. Dialogues.Select(dialogue => Text(encoder.EncodeDialogue(dialogue).Ids)), .. Dialogues.Select(dialogue => Text(encoder.EncodePrompt(dialogue)))];
        var cases = new[] { false, true }.SelectMany(open => Dialogues.Select(dialogue => new
        {
            messages = dialogue.Select(turn => new { role = turn.Role, content = turn.Content }),
            add_generation_prompt = open,
        }));
        var rendered = Render(JsonSerializer.Serialize(new { template = ChatTemplate.Jinja, cases })).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, rendered.Length);
        foreach (var line in rendered) Assert.Equal(expected, JsonSerializer.Deserialize<string[]>(line));
    }

    private static string Render(string input)
    {
        var start = new ProcessStartInfo("python3") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(Script);
        Process? python = null;
        try
        {
            python = Process.Start(start)!;
            python.StandardInput.Write(input);
            python.StandardInput.Close();
        }
        catch (Exception absent) when (absent is System.ComponentModel.Win32Exception or IOException)
        {
            Skip.If(true, "there is no python3 to render with");
        }
        using (python)
        {
            var errors = python!.StandardError.ReadToEndAsync();
            var output = python.StandardOutput.ReadToEnd();
            python.WaitForExit();
            Skip.If(errors.Result.Contains("No module named 'jinja2'"), "python3 has no jinja2 to render with");
            Assert.Equal(("", 0), (errors.Result, python.ExitCode));
            return output;
        }
    }
}
