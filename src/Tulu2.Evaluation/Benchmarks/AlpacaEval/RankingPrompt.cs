using Tulu2.Data.Rows;

namespace Tulu2.Evaluation.Benchmarks.AlpacaEval;

/// <summary>The question to the judge: the prompt of the annotator <c>alpaca_eval_gpt4</c> of alpaca_eval 0.3.1, word for word.</summary>
internal static class RankingPrompt
{
    private const string System = "You are a helpful assistant, that ranks models by the quality of their answers.";

    private const string EndOfTurn = "<|im_end|>";

    private const string Question =
        "I want you to create a leaderboard of different of large-language models. To do so, I will give you the instructions (prompts) given to the models, and the responses of two models. Please rank the models based on which responses would be preferred by humans. All inputs and outputs should be python dictionaries.\n"
        + "\n"
        + "Here is the prompt:\n"
        + "{\n"
        + "    \"instruction\": \"\"\"{instruction}\"\"\",\n"
        + "}\n"
        + "\n"
        + "Here are the outputs of the models:\n"
        + "[\n"
        + "    {\n"
        + "        \"model\": \"model_1\",\n"
        + "        \"answer\": \"\"\"{output_1}\"\"\"\n"
        + "    },\n"
        + "    {\n"
        + "        \"model\": \"model_2\",\n"
        + "        \"answer\": \"\"\"{output_2}\"\"\"\n"
        + "    }\n"
        + "]\n"
        + "\n"
        + "Now please rank the models by the quality of their answers, so that the model with rank 1 has the best output. Then return a list of the model names and ranks, i.e., produce the following output:\n"
        + "[\n"
        + "    {'model': <model-name>, 'rank': <model-rank>},\n"
        + "    {'model': <model-name>, 'rank': <model-rank>}\n"
        + "]\n"
        + "\n"
        + "Your response must be a valid Python dictionary and should contain nothing else because we will directly execute it in Python. Please provide the ranking that the majority of humans would give.";

    private static readonly string[] Places = ["{instruction}", "{output_1}", "{output_2}"];

    // The template around the places: one part more than there are places.
    private static readonly string[] Parts = Question.Split(Places, StringSplitOptions.None);

    /// <param name="first">The answer that is shown as model_1's.</param>
    public static IReadOnlyList<Message> Of(string instruction, string first, string second, EvaluationMode mode)
    {
        string[] values = [instruction, first, second];
        var text = mode == EvaluationMode.Fixed
            ? string.Concat(Parts.Select((part, index) => part + values.ElementAtOrDefault(index)))
            : AsTheOriginal(values);
        return [new Message(Message.System, System), new Message(Message.User, text)];
    }

    // The original fills its template one place after the other, so that a text which names a later place gets its value, and cuts at its own mark of a turn's end.
    private static string AsTheOriginal(string[] values)
    {
        var text = Question;
        foreach (var (place, value) in Places.Zip(values))
            if (text.IndexOf(place, StringComparison.Ordinal) is var at and >= 0) text = text[..at] + value + text[(at + place.Length)..];
        return TurnText.Strip(text.Split(EndOfTurn, 2)[0]);
    }
}
