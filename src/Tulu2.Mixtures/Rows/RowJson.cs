using System.Globalization;
using System.Text;
using Tulu2.Data.Rows;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Python;

namespace Tulu2.Mixtures.Rows;

/// <summary>
/// A row as the line that the original scripts wrote (Python's <c>json.dumps</c>): <c>{"dataset": ..., "id": ..., "messages": [...]}</c>, everything beyond
/// ASCII escaped. A turn that is not learnt keeps its <c>weight</c>.
/// </summary>
internal static class RowJson
{
    /// <summary>The line without a line feed, in ASCII.</summary>
    /// <param name="numberAt">Where the number of a numbered id goes; -1: the id is whole.</param>
    public static byte[] Write(ConvertedRow row, out int numberAt)
    {
        var json = new StringBuilder(256 + row.Messages.Sum(message => message.Content.Length + 40));
        json.Append("{\"dataset\": ");
        PythonText.AppendJson(json, row.Dataset);
        json.Append(", \"id\": ");
        PythonText.AppendJson(json, row.Id);
        numberAt = row.IsNumbered ? json.Length - 1 : -1;
        json.Append(", \"messages\": [");
        for (var turn = 0; turn < row.Messages.Count; turn++) AppendTurn(turn == 0 ? json : json.Append(", "), row.Messages[turn]);
        return Encoding.ASCII.GetBytes(json.Append("]}").ToString());
    }

    /// <summary>The line with the id's number in its place.</summary>
    public static byte[] Numbered(ReadOnlySpan<byte> line, int numberAt, int number)
    {
        if (numberAt < 0) return line.ToArray();
        Span<byte> digits = stackalloc byte[11];
        number.TryFormat(digits, out var length, default, CultureInfo.InvariantCulture);
        return [.. line[..numberAt], .. digits[..length], .. line[numberAt..]];
    }

    private static void AppendTurn(StringBuilder json, Message message)
    {
        json.Append("{\"role\": ");
        PythonText.AppendJson(json, message.Role);
        json.Append(", \"content\": ");
        PythonText.AppendJson(json, message.Content);
        if (!message.Learnt) json.Append(", \"weight\": 0");
        json.Append('}');
    }
}
