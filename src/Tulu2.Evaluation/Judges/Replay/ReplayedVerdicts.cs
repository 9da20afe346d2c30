using System.Text.Json;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.TaskData;
using Tulu2.Files;

namespace Tulu2.Evaluation.Judges.Replay;

/// <summary>Stored verdicts by the last turn of their prompts, which holds question and answers. Immutable.</summary>
internal sealed class ReplayedVerdicts
{
    private readonly Dictionary<string, Stored> _verdicts = [];

    /// <param name="Prompt">Null: the file has the last turn only.</param>
    internal sealed record Stored(IReadOnlyList<Message>? Prompt, string Text, string Judge);

    /// <exception cref="BadInputException">The path has no verdicts.</exception>
    public static ReplayedVerdicts Read(string path)
    {
        var replayed = new ReplayedVerdicts();
        if (Directory.Exists(path))
        {
            foreach (var file in Directory.EnumerateFiles(path, "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
                foreach (var item in JsonItems.Read(file)) replayed.AddKept(item);
        }
        else
        {
            foreach (var item in JsonItems.Read(path))
                if (item.Value("request") is not null) replayed.AddKept(item);
                else replayed.Add(item.Text("user_prompt"), new Stored(null, item.Text("judgment"), $"stored:{JudgeOf(item)}"));
        }
        return replayed._verdicts.Count > 0 ? replayed : throw new BadInputException(path, "has no verdict in it", "give a directory that --judge-cache filled, or a file of judgments");
    }

    /// <returns>Null: there is none on this prompt.</returns>
    public Stored? Of(IReadOnlyList<Message> prompt)
    {
        if (!_verdicts.TryGetValue(prompt[^1].Content, out var stored)) return null;
        return stored.Prompt is null || stored.Prompt.Select(Plain).SequenceEqual(prompt.Select(Plain)) ? stored : null;

        static (string, string) Plain(Message turn) => (turn.Role, turn.Content);
    }

    private void AddKept(JsonItem item)
    {
        if (item.Value("request") is not { ValueKind: JsonValueKind.Object } request || !request.TryGetProperty("messages", out var messages) || messages.ValueKind != JsonValueKind.Array)
            throw item.Bad("is not a kept verdict", "give a directory that --judge-cache filled");
        var turns = messages.EnumerateArray().Select(turn => new Message(turn.GetProperty("role").GetString()!, turn.GetProperty("content").GetString()!)).ToList();
        Add(turns[^1].Content, new Stored(turns, item.Text("text"), JudgeIdentity.OfEndpoint(item.Text("model"), new Uri(item.Text("endpoint")))));
    }

    private void Add(string prompt, Stored stored) => _verdicts[prompt] = stored;

    private static string JudgeOf(JsonItem item) => item.Value("judge") switch
    {
        { ValueKind: JsonValueKind.Array } pair when pair.GetArrayLength() > 0 => $"{pair[0]}",
        { ValueKind: JsonValueKind.String } name => name.GetString()!,
        _ => "unknown",
    };
}
