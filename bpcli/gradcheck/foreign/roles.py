"""the name of an argument in -> what people mean by it, out."""

import re

# What people call the arguments of forward, backward and constructors, in lower case and without
# underlines. A name may stand for one thing in a layer and for another in a loss; `role` decides.
INPUT = (
    "x", "input", "inputs", "inp", "data", "a", "aprev", "ain", "z", "h", "features", "batch",
    "xbatch", "indata", "layerinput", "tensor", "xs", "image", "images", "img", "batchpoints",
    "inputdata", "sample", "samples", "prevoutput", "activationprev", "val", "value", "v", "u",
    "net", "s", "inputtensor", "xin", "arr", "array",
)  # fmt: skip
PREDICTED = (
    "ypred", "yhat", "pred", "preds", "predicted", "prediction", "predictions", "p", "prob",
    "probs", "probability", "probabilities", "al", "logits", "logit", "scores", "score", "out",
    "output", "outputs", "yp", "ypredicted", "a2", "a3", "result", "estimate", "ypreds",
)  # fmt: skip
LABELS = (
    "t", "y", "label", "labels", "target", "targets", "ytrue", "actual", "truth", "groundtruth",
    "onehot", "teacher", "ts", "ybatch", "gt", "expected", "tbatch", "desired", "yt", "trueclass",
    "classes", "batchlabels", "true", "yreal", "answer",
)  # fmt: skip
UPSTREAM = re.compile(
    r"d[a-z]?|dout|dout\w*|d(y|z|a|h|s|l|x|o|p)\w{0,6}|dl?dy|dj?dz|delta\w*|\w*grad\w*|upstream\w*|"
    r"dvalues?|outputerror|error|err|errors|eta|residual|topdiff|dnext\w*|dcurrent\w*|dprev\w*|"
    r"dc\w*|d\w+next|"
    r"dloss\w*|derror|nabla\w*|accum\w*|dout|dupstream|douts|back\w*"
)
OUTPUTS = ("out", "output", "outputs", "y", "yhat", "result", "activation", "activated")
CACHE = re.compile(r"\w*caches?|ctx|context|memory|tape|saved|stored|residuals")
TRAINING = re.compile(r"(is)?train(ing|flg|flag|mode|phase)?|trainable|istrain")
RATE = re.compile(r"lr|learningrate|stepsize|lrate|learnrate|rate")

WEIGHTS = re.compile(r"w\d*|weights?\d*|kernels?|filters?|theta|w[xhs]\w?\d?|u|wi|ww|matrix|initw")
BIAS = re.compile(r"b\d*|bias(es)?\d*|b[hsx]\w?|w0|initb")
PER_FEATURE = ("gamma", "beta", "scale", "shift", "runningmean", "runningvar", "movingmean",
               "movingvar", "mean", "var", "axisscale")  # fmt: skip

# Sizes, by what they are of; `SIZES` in scene.py has them.
INPUTS_SIZE = (
    "nin", "indim", "inputsize", "inputdim", "infeatures", "numinputs", "ninputs", "fanin", "d",
    "nfeatures", "insize", "din", "prevsize", "inputnodes", "inputs", "nx", "insz", "nodesin",
    "ninput", "dim", "sizein", "inputunits", "inunits", "numfeatures", "features", "inputlen",
    "dimin", "numin", "inputneurons", "nprev", "inputnum", "inshape", "inputfeatures", "dims",
    "embeddim", "dmodel", "nvisible", "dk", "inp", "in", "layerin",
    "wordvecsize", "embeddingdim", "embsize", "embedsize",
)  # fmt: skip
OUTPUTS_SIZE = (
    "nout", "outputsize", "out", "outdim", "outfeatures", "numoutputs", "units", "nunits",
    "nneurons",
    "numclasses", "outputdim", "fanout", "m", "c", "nclasses", "neurons", "size", "n", "width",
    "outsize", "outputnodes", "ny", "outputs", "noutputs", "sizeout", "numneurons", "dout",
    "numunits", "outputunits", "outunits", "outsz", "noutput", "nodes", "dimout", "numout",
    "outputneurons", "outputnum", "nodesout", "classes", "outputfeatures", "layerout",
)  # fmt: skip
HIDDEN_SIZE = (
    "hidden", "nhid", "hiddensize", "hiddendim", "nhidden", "hiddenunits", "hiddennodes",
    "hiddennum",
    "numhidden", "h", "hiddenneurons", "nh", "hdim", "hiddenlayersize",
)  # fmt: skip
HIDDEN_SIZES = ("hiddensizelist", "hiddensizes", "hiddendims", "hiddenlayers", "hiddenlist")
ALL_SIZES = ("layers", "layerdims", "sizes", "layersizes", "architecture", "layersdims", "dims",
             "layersize", "topology", "units", "shape", "nnodes")  # fmt: skip
CHANNELS_IN = ("inchannels", "inputchannels", "channelsin", "cin", "channels", "numchannels", "inc",
               "nchannels", "inch", "numinputchannels", "inputdepth", "c")  # fmt: skip
CHANNELS_OUT = ("outchannels", "outputchannels", "channelsout", "cout", "numfilters", "nfilters",
                "filters", "kernels", "outc", "numkernels", "filternum", "nkernels", "nf", "depth",
                "outch", "fn", "numoutputchannels")  # fmt: skip
WINDOW = ("kernelsize", "filtersize", "poolsize", "poolh", "poolw", "f", "ksize", "ksz", "k", "hh",
          "ww", "poolheight", "poolwidth", "fh", "fw", "windowsize", "kernel", "size", "pool",
          "filterheight", "filterwidth", "kernelheight", "kernelwidth", "kh", "kw",
          "poolshape", "filtershape", "window", "kernelshape")  # fmt: skip


def plain(name: str) -> str:
    """Return a name in lower case, without underlines and what stands for a class's own."""
    return name.lower().replace("_", "")


def is_upstream(name: str) -> bool:
    """Tell whether an argument is the gradient that comes from the right."""
    return UPSTREAM.fullmatch(plain(name)) is not None and plain(name) not in ("data", "depth")


def is_labels(name: str) -> bool:
    """Tell whether an argument is what is to be predicted."""
    return plain(name) in LABELS


def is_output(name: str) -> bool:
    """Tell whether an argument of a backward beside dout may be what forward has returned."""
    return plain(name) in OUTPUTS


def is_predicted(name: str) -> bool:
    """Tell whether an argument is what a network predicts."""
    return plain(name) in PREDICTED
