// the server takes /uplot.js from the package uplot
import Plot from 'uplot'

export default Plot
