using Tulu2.Data.Rows;
using Xunit;

namespace Tulu2.Tests.Data.Rows;

/// <summary>Rows in the forms that people have, as JSON, with what they mean or why they are refused.</summary>
internal static class RowShapes
{
    /// <summary>A record, its form and its dialogue: role and text of each turn, with a minus before the role of an assistant's turn that is context.</summary>
    public static TheoryData<string, string, string> Instructions => new()
    {
        { """{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}""", "messages", "user:q assistant:a" },
        { """{"messages":[{"role":"user","content":[{"type":"text","text":"q"},{"type":"text","text":"r"}]},{"role":"assistant","content":"a"}]}""", "messages", "user:qr assistant:a" },
        { """{"messages":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]}""", "messages", "user:q assistant:a" },
        { """{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a","train":false},{"role":"user","content":"r"},{"role":"assistant","content":"b"}]}""", "messages", "user:q -assistant:a user:r assistant:b" },
        { """{"conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]}""", "sharegpt", "user:q assistant:a" },
        { """{"conversations":[{"from":"user","value":"q"},{"from":"chatgpt","value":"a"},{"from":"human","value":"r"},{"from":"assistant","value":"b"}]}""", "sharegpt", "user:q assistant:a user:r assistant:b" },
        { """{"conversations":[{"from":"system","value":"s"},{"from":"human","value":"q"},{"from":"gpt","value":"a"}]}""", "sharegpt", "system:s user:q assistant:a" },
        { """{"system":"s","conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]}""", "sharegpt", "system:s user:q assistant:a" },
        { """{"conversations":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}""", "sharegpt", "user:q assistant:a" },
        { """{"conversation":[{"from":"human","value":"q"},{"from":"gpt","value":"a","weight":0},{"from":"human","value":"r"},{"from":"gpt","value":"b"}]}""", "sharegpt", "user:q -assistant:a user:r assistant:b" },
        { """{"instruction":"Add.","input":"2 3","output":"5"}""", "alpaca", "user:Add.\n\n2 3 assistant:5" },
        { """{"instruction":"Hello","input":"","output":"5"}""", "alpaca", "user:Hello assistant:5" },
        { """{"instruction":"Hello","output":"5"}""", "alpaca", "user:Hello assistant:5" },
        { """{"instruction":"Add.","context":"2 3","response":"5","category":"sums"}""", "alpaca", "user:Add.\n\n2 3 assistant:5" },
        { """{"instruction":"And 1?","input":"","output":"6","system":"s","history":[["2+3?","5"],["x","y"]]}""", "alpaca", "system:s user:2+3? assistant:5 user:x assistant:y user:And 1? assistant:6" },
        { """{"prompt":"q","completion":"a"}""", "prompt_completion", "user:q assistant:a" },
        { """{"system_prompt":"s","prompt":"q","completion":"a"}""", "prompt_completion", "system:s user:q assistant:a" },
        { """{"prompt":[{"role":"user","content":"q"}],"completion":[{"role":"assistant","content":"a"}]}""", "prompt_completion", "user:q assistant:a" },
        { """{"prompt":[{"role":"user","content":"q"},{"role":"assistant","content":"a"},{"role":"user","content":"r"}],"completion":"b"}""", "prompt_completion", "user:q -assistant:a user:r assistant:b" },
    };

    public static TheoryData<string, string, string> Pairs => new()
    {
        { """{"prompt":"q","chosen":"a","rejected":"b"}""", "user:q assistant:a", "user:q assistant:b" },
        { """{"prompt":"q","chosen":[{"role":"assistant","content":"a"}],"rejected":[{"role":"assistant","content":"b"}]}""", "user:q assistant:a", "user:q assistant:b" },
        { """{"chosen":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}],"rejected":[{"role":"user","content":"q"},{"role":"assistant","content":"b"}]}""", "user:q assistant:a", "user:q assistant:b" },
        { """{"prompt":[{"role":"system","content":"s"},{"role":"user","content":"q"}],"chosen":"a","rejected":"b"}""", "system:s user:q assistant:a", "system:s user:q assistant:b" },
        { """{"instruction":"Add.","input":"2 3","chosen":"5","rejected":"6"}""", "user:Add.\n\n2 3 assistant:5", "user:Add.\n\n2 3 assistant:6" },
        { """{"conversations":[{"from":"human","value":"q"}],"chosen":{"from":"gpt","value":"a"},"rejected":{"from":"gpt","value":"b"}}""", "user:q assistant:a", "user:q assistant:b" },
        { """{"chosen":"\n\nHuman: q\n\nAssistant: a\n\nHuman: r\n\nAssistant: b: Human: c","rejected":"\n\nHuman: q\n\nAssistant: a\n\nHuman: r\n\nAssistant: d"}""", "user:q assistant:a user:r assistant:b: Human: c", "user:q assistant:a user:r assistant:d" },
        { """{"prompt":"q","chosen":"a","rejected":"b","score_chosen":8.5,"score_rejected":8.5}""", "user:q assistant:a", "user:q assistant:b" },
        { """{"instruction":"q","chosen":"a","rejected":"b","chosen-rating":5,"rejected-rating":2}""", "user:q assistant:a", "user:q assistant:b" },
    };

    /// <summary>A record and what it means: the dialogue, and whether its answer is desirable.</summary>
    public static TheoryData<string, string> Unpaired => new()
    {
        { """{"prompt":"q","completion":"a","label":true}""", "user:q assistant:a +" },
        { """{"prompt":"q","completion":"a","label":false}""", "user:q assistant:a -" },
        { """{"prompt":"q","completion":"a","label":1}""", "user:q assistant:a +" },
        { """{"prompt":"q","completion":"a","label":0}""", "user:q assistant:a -" },
        { """{"prompt":"q","completion":"a","label":"True"}""", "user:q assistant:a +" },
        { """{"prompt":"q","completion":"a","label":"false"}""", "user:q assistant:a -" },
        { """{"system":"s","prompt":[{"role":"user","content":"q"}],"completion":[{"role":"assistant","content":"a"}],"label":true}""", "system:s user:q assistant:a +" },
        { """{"prompt":[{"from":"human","value":"q"},{"from":"gpt","value":"a"},{"from":"human","value":"r"}],"completion":"b","label":false}""", "user:q assistant:a user:r assistant:b -" },
        { """{"prompt":"q","completion":"a","label":true,"messages":null,"chosen":null,"rejected":null}""", "user:q assistant:a +" },
    };

    public static TheoryData<string, string> RefusedUnpaired => new()
    {
        { """{"prompt":"q","completion":"a"}""", "no label: the row has prompt, completion; wanted" },
        { """{"prompt":"q","completion":"a","label":null}""", "no label" },
        { """{"prompt":"q","completion":"a","label":2}""", "label is 2; an answer is desirable (true or 1) or not (false or 0)" },
        { """{"prompt":"q","completion":"a","label":"good"}""", "label is the text 'good'" },
        { """{"prompt":"q","completion":"a","label":[true]}""", "label is a list" },
        { """{"prompt":"q","completion":3,"label":true}""", "completion is a number, not a text or a list of turns" },
        { """{"prompt":"q","completion":[{"role":"user","content":"a"}],"label":true}""", "completion does not end with an assistant turn" },
        { """{"prompt":"q","completion":[{"role":"assistant","content":"a","weight":0}],"label":true}""", "the completion has weight 0" },
        { """{"prompt":"q","completion":" ","label":true}""", "the completion is empty" },
        { """{"prompt":"q","completion":"a","label":true,"images":["x.png"]}""", "images: only text is trained" },
    };

    public static TheoryData<string, string> RefusedInstructions => new()
    {
        { """{"conversations":[{"from":"human","value":"q"},{"from":"bing","value":"a"}]}""", "conversations[1] has the unknown role 'bing'" },
        { """{"conversations":"q"}""", "conversations is a text, not a list" },
        { """{"conversations":[{"from":"human","value":"q"}]}""", "no assistant turn" },
        { """{"instruction":"Add","output":null}""", "output is null" },
        { """{"instruction":"Add","output":3}""", "output is a number, not a text" },
        { """{"instruction":" ","input":"","output":"5"}""", "instruction is empty" },
        { """{"instruction":"Add","input":"2 3","context":"4","output":"5"}""", "input and context are different texts" },
        { """{"instruction":"Add","output":"5","history":[["a"]]}""", "history[0] is not a question and an answer" },
        { """{"instruction":"Add"}""", "no instruction with its output: the row has instruction; wanted" },
        { """{"prompt":"q","completion":3}""", "completion is a number" },
        { """{"prompt":"q","completion":"a","label":false}""", "this is an unpaired preference (set objective: kto" },
        { """{"completion":"a"}""", "no prompt with its completion" },
        { """{"text":"q a"}""", "no messages: the row has text; wanted" },
        { """{"question":"q","answer":"a"}""", "no messages: the row has question, answer; wanted" },
        { """{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]}]}""", "messages[1].tool_calls: calls of tools have no place" },
        { """{"messages":[{"role":"user","content":[{"type":"text","text":"q"},{"type":"image_url","image_url":{"url":"u"}}]},{"role":"assistant","content":"a"}]}""", "messages[0].content[1] is of type 'image_url': only text is trained" },
        { """{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}],"images":["x.png"]}""", "images: only text is trained" },
        { """{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a","reasoning_content":"r"}]}""", "messages[1].reasoning_content: reasoning beside the answer" },
    };

    public static TheoryData<string, string> RefusedPairs => new()
    {
        { """{"prompt":"q","chosen":"a","rejected":"b","score_chosen":3,"score_rejected":8}""", "score_chosen is 3, less than the 8 of score_rejected" },
        { """{"chosen":"I think yes","rejected":"I think no"}""", "chosen is a text but there is no prompt" },
        { """{"conversations":[{"from":"human","value":"q"}],"chosen":{"from":"human","value":"a"},"rejected":{"from":"gpt","value":"b"}}""", "chosen does not end with an assistant turn" },
    };

    /// <summary>Rated completions, with chosen and rejected.</summary>
    public static TheoryData<string, string, string> Rated => new()
    {
        { """{"instruction":"q","completions":[{"response":"a","overall_score":9},{"response":"b","overall_score":5.5}]}""", "user:q assistant:a", "user:q assistant:b" },
        { """{"prompt":"q","completions":[{"text":"b","rating":"1"},{"text":"a","rating":"2.5"}]}""", "user:q assistant:a", "user:q assistant:b" },
    };

    /// <summary>All shapes, those that are refused among them.</summary>
    public static IReadOnlyList<RowShape> All { get; } =
    [
        .. Instructions.Select(row => new RowShape((string)row[0], RowKind.Messages, (string)row[1], (string)row[2])),
        .. Pairs.Concat(Rated).Select(row => new RowShape((string)row[0], RowKind.Preferences, null, $"{row[1]} | {row[2]}")),
        .. RefusedInstructions.Select(row => new RowShape((string)row[0], RowKind.Messages, null, null)),
        .. RefusedPairs.Select(row => new RowShape((string)row[0], RowKind.Preferences, null, null)),
        .. Unpaired.Select(row => new RowShape((string)row[0], RowKind.Unpaired, "kto", (string)row[1])),
        .. RefusedUnpaired.Select(row => new RowShape((string)row[0], RowKind.Unpaired, null, null)),
    ];

    /// <summary>A row in one line, as in the tables.</summary>
    public static string Text(UnpairedRow row) => $"{Text(row.Messages)} {(row.Desirable ? '+' : '-')}";

    /// <summary>A dialogue in one line, as in the tables.</summary>
    public static string Text(IReadOnlyList<Message> dialogue) =>
        string.Join(' ', dialogue.Select(turn => $"{(turn.Role == Message.Assistant && !turn.Learnt ? "-" : "")}{turn.Role}:{turn.Content}"));
}

/// <summary>A record, the kind of rows that it is meant to be, and what it means; null: it is refused.</summary>
internal sealed record RowShape(string Record, RowKind Kind, string? Form, string? Meaning);
