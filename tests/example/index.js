import chalk from 'chalk';
import esbuild from 'esbuild';
import isNumber from 'is-number';

const built = await esbuild.transform('let answer: number = 42;', { loader: 'ts' });
console.log(chalk.green('It runs:'), isNumber(42), built.code.trim());
