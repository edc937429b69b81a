"""a sentence on marks in English -> the same in another language out, or as it is.

The words are those that the book has in its Chinese and Japanese editions. Another language is
another column; what it does not have is said in English.
"""

from collections.abc import Callable

Say = Callable[..., str]

LANGUAGES = ("en", "zh", "ja")
# Each sentence in English, in Chinese and in Japanese; {} is filled in.
MESSAGES: tuple[tuple[str, str, str], ...] = (
    ("file", "文件", "ファイル"),
    ("passed", "通过", "合格"),
    ("wrong", "错误", "誤り"),
    ("empty", "空白", "空欄"),
    ("missing", "缺失", "なし"),
    ("not checked", "未检查", "未確認"),
    ("{} is empty", "{} 是空的", "{} が空です"),
    ("{} is missing", "缺少 {}", "{} がありません"),
    ("the file", "文件", "ファイル"),
    ("is {} meant?", "是指 {} 吗?", "{} のことですか?"),
    ("not checked: {}", "未检查: {}", "未確認: {}"),
    ("alike but for names and comments: {}", "除名称和注释外相同: {}",
     "名前とコメント以外は同じ: {}"),
    ("{} of {} files passed", "{} / {} 个文件通过", "{} / {} ファイルが合格"),
    ("{} taken from {}, as the files have not changed", "{} 个取自 {}, 因为文件没有改变",
     "{} 件は {} から: ファイルは変わっていません"),
    ("a layer inside is wrong", "内部的层有错误", "内側のレイヤに誤りがある"),
    ("backward raises an error", "backward 抛出异常", "backward が例外を出す"),
    ("numbers that are not finite", "出现非有限的数值", "有限でない数値"),
    ("the sum over the images", "对 mini-batch 中图像的求和", "画像についての和"),
    ("the sum over the steps", "对时间步的求和", "時刻についての和"),
    ("the axis of a sum", "求和的轴", "和をとる軸"),
    ("a transpose", "转置", "転置"),
    ("the gradient of another array", "是另一个数组的梯度", "別の配列の勾配"),
    ("the division by the number of images", "除以图像数", "画像の枚数での割り算"),
    ("the sign", "符号", "符号"),
    ("the weight decay", "权值衰减", "荷重減衰"),
    ("what overlaps adds up", "重叠部分应相加", "重なる部分は足し合わせる"),
    ("a factor", "系数", "係数"),
    ("dout, which the chain rule multiplies by", "dout: 链式法则要乘以它",
     "dout: 連鎖律で掛ける"),
    ("the gradient is not set", "没有设置梯度", "勾配が設定されていない"),
    ("the mask", "mask", "mask"),
    ("softmax", "softmax", "softmax"),
    ("x and y of the activation", "激活函数的 x 与 y", "活性化関数の x と y"),
    ("a value of another call", "用了另一次调用的值", "別の呼び出しの値"),
    ("the shape", "形状", "形状"),
    ("the derivative", "导数", "微分"),
    ("forward is another function than that of the solution", "正向传播与参考答案不同",
     "順伝播が解答と異なる"),
    ("forward does not take the mini-batch that the solution takes",
     "正向传播不接受参考答案所接受的 mini-batch", "順伝播が解答の受け取るミニバッチを受け取らない"),
    ("backward is a numerical gradient", "反向传播用的是数值微分", "逆伝播が数値微分になっている"),
    ("the gradient is not that of the solution", "梯度与参考答案不同", "勾配が解答と異なる"),
)  # fmt: skip


def messages(language: str) -> Say:
    """Return what says a sentence, filled in, in a language: a word of LANGUAGES.

    >>> messages("ja")("{} is empty", "Relu.backward"), messages("zh")("the sky")
    ('Relu.backward が空です', 'the sky')
    """
    column = LANGUAGES.index(language)
    table = {row[0]: row[column] for row in MESSAGES}

    def say(english: str, *parts: object) -> str:
        return table.get(english, english).format(*parts) if parts else table.get(english, english)

    return say
